// This file tests that all dialects have the same content, as other parsers read it, and that archived documents stay the same
// bytes.
package feed

import (
	"encoding/json"
	"fmt"
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/mmcdole/gofeed"
	"golang.org/x/net/html"

	"msatom/shared/outbox"
	"msatom/shared/page"
	"msatom/shared/postgres/pgtest"
)

// An archived document has the same bytes after more events, after a restart, and at another instance. A page does so except
// for the name of its instance.
func TestArchivedDocumentsNeverChange(t *testing.T) {
	url := pgtest.URL(t)
	l := run(t, pgtest.At(t, url, outbox.Migration()))
	fill(t, l, 250)
	read := func(l *instance, n int64, d Dialect) string {
		w := get(t, l, n, "Accept", d.Types[0])
		if d.Page {
			return strings.ReplaceAll(w.Body.String(), "thing-other", "thing-test")
		}
		if !strings.Contains(w.Header().Get("Cache-Control"), "immutable") {
			t.Errorf("document %d in %s: Cache-Control %q", n, d.Name, w.Header().Get("Cache-Control"))
		}
		return fmt.Sprint(w.Header()["Etag"], w.Header()["Last-Modified"], w.Header()["Link"], w.Body)
	}
	before := map[string]string{}
	for _, d := range Dialects {
		for n := int64(1); n <= 2; n++ {
			before[fmt.Sprint(d.Name, n)] = read(l, n, d)
		}
	}
	fill(t, l, 10_000)
	restarted, other := run(t, pgtest.At(t, url, outbox.Migration())), run(t, pgtest.At(t, url, outbox.Migration()))
	other.Pages = page.New("thing", "thing-other", Page)
	for _, d := range Dialects {
		for n := int64(1); n <= 2; n++ {
			for _, l := range []*instance{l, restarted, other} {
				if got, want := read(l, n, d), before[fmt.Sprint(d.Name, n)]; got != want {
					t.Errorf("document %d in %s changed:\n%.2000s\nwas\n%.2000s", n, d.Name, got, want)
				}
			}
		}
	}
	if get(t, l, 1, "Accept", htmlType).Header().Get("ETag") == get(t, other, 1, "Accept", htmlType).Header().Get("ETag") {
		t.Error("pages that name different instances have one tag")
	}
}

// A general feed reader finds the same entries in Atom, RSS and JSON Feed.
func TestFeedReaders(t *testing.T) {
	l := open(t)
	fill(t, l, 150)
	head, _ := l.Head()
	for _, d := range []Dialect{Atom, RSS, JSON} {
		for _, mediaType := range d.Types {
			w := get(t, l, 0, "Accept", mediaType)
			if got := w.Header().Get("Content-Type"); got != mediaType {
				t.Errorf("%s has the type %s", mediaType, got)
			}
			f, err := gofeed.NewParser().Parse(w.Body)
			if err != nil {
				t.Fatalf("%s: %v", mediaType, err)
			}
			if f.Title != "Things" || f.Description != "All things" || f.FeedLink != "http://thing.test:8080/thing/feed" ||
				f.Link != "http://thing.test:8080/thing/" || len(f.Items) != 150 {
				t.Errorf("%s: %q %q %q %q, %d items", mediaType, f.Title, f.Description, f.FeedLink, f.Link, len(f.Items))
			}
			for i, item := range f.Items {
				n := 150 - i
				date := item.UpdatedParsed
				if date == nil {
					date = item.PublishedParsed
				}
				text := item.Description + item.Content
				if item.GUID != fmt.Sprintf("tag:msatom.example,2026:thing/%s/%d", head.Epoch, n) || item.Title != fmt.Sprintf("Thing %d", n) ||
					item.Link != fmt.Sprintf("http://thing.test:8080/thing/%d", n) || !strings.Contains(text, "A <thing> & more") ||
					!slices.Equal(item.Categories, []string{"made"}) || date == nil || date.After(head.Updated) || head.Updated.Sub(*date) > time.Minute {
					t.Fatalf("%s: item %d is %+v", mediaType, i, item)
				}
			}
		}
	}
}

// JSON Feed 1.1 requires a version, a title and items with ids; the names of extensions begin with an underscore.
func TestJSONFeedIsValid(t *testing.T) {
	l := open(t)
	fill(t, l, 2)
	var f map[string]any
	if err := json.Unmarshal(get(t, l, 0, "Accept", "application/feed+json").Body.Bytes(), &f); err != nil {
		t.Fatal(err)
	}
	known := []string{"version", "title", "home_page_url", "feed_url", "next_url", "description", "authors", "language", "items",
		"id", "url", "content_text", "date_modified", "tags"}
	items := f["items"].([]any)
	for _, object := range append(items, f) {
		for name, value := range object.(map[string]any) {
			if !slices.Contains(known, name) && !strings.HasPrefix(name, "_") || value == nil {
				t.Errorf("%s is %v", name, value)
			}
		}
	}
	if f["version"] != "https://jsonfeed.org/version/1.1" || f["title"] == "" || len(items) != 2 || items[0].(map[string]any)["id"] == "" {
		t.Errorf("%v", f)
	}
	fill(t, l, 200)
	for n := int64(0); n <= 3; n++ {
		var f JSONFeed
		if err := json.Unmarshal(get(t, l, n, "Accept", "application/json").Body.Bytes(), &f); err != nil || (f.NextURL != "") != (n != 1) || f.NextURL == f.FeedURL {
			t.Errorf("document %d: next_url %q of %q, %v", n, f.NextURL, f.FeedURL, err)
		}
	}
}

// RSS has the links between documents as elements of other namespaces.
func TestRSSIsArchived(t *testing.T) {
	l := open(t)
	fill(t, l, 250)
	f, err := gofeed.NewParser().Parse(get(t, l, 2, "Accept", rssType).Body)
	if err != nil {
		t.Fatal(err)
	}
	rels := map[string]string{}
	for _, link := range f.Extensions["atom"]["link"] {
		rels[link.Attrs["rel"]] = link.Attrs["href"]
	}
	if rels["prev-archive"] != "http://thing.test:8080/thing/feed/1" || rels["next-archive"] != "http://thing.test:8080/thing/feed/3" ||
		rels["current"] != "http://thing.test:8080/thing/feed" || len(f.Extensions["fh"]["archive"]) != 1 {
		t.Errorf("%v %v", rels, f.Extensions["fh"])
	}
}

// checkEvent checks that a CloudEvent has the attributes that CloudEvents 1.0 and http-feeds require.
func checkEvent(t *testing.T, event map[string]any, epoch string, position int) {
	t.Helper()
	want := map[string]any{
		"specversion": "1.0", "id": fmt.Sprintf("tag:msatom.example,2026:thing/%s/%d", epoch, position), "type": "example.msatom.thing.made",
		"source": "http://thing.test:8080/thing/feed", "subject": fmt.Sprintf("/thing/%d", position), "datacontenttype": "application/json",
	}
	for name, value := range want {
		if event[name] != value {
			t.Errorf("%s of event %d is %v, want %v", name, position, event[name], value)
		}
	}
	when, err := time.Parse(time.RFC3339, fmt.Sprint(event["time"]))
	data, _ := event["data"].(map[string]any)
	if err != nil || data["id"] != float64(position) || when.IsZero() || len(event) != len(want)+2 {
		t.Errorf("event %d: %v, %v", position, event, err)
	}
	for name := range event {
		if !regexp.MustCompile(`^[a-z0-9]{1,20}$`).MatchString(name) {
			t.Errorf("no attribute may be called %q", name)
		}
	}
}

func TestCloudEventsOfADocument(t *testing.T) {
	l := open(t)
	fill(t, l, 150)
	head, _ := l.Head()
	for n, want := range map[int64][2]int{1: {1, 100}, 2: {101, 150}} {
		var events []map[string]any
		if err := json.Unmarshal(get(t, l, n, "Accept", CloudEvents.Types[0]).Body.Bytes(), &events); err != nil || len(events) != want[1]-want[0]+1 {
			t.Fatalf("document %d: %d events, %v", n, len(events), err)
		}
		for i, event := range events {
			checkEvent(t, event, head.Epoch, want[0]+i)
		}
	}
}

// The page shows at most a document of entries, with their snapshots, and the links between documents.
func TestPage(t *testing.T) {
	l := open(t)
	if empty := get(t, l, 0, "Accept", htmlType); !strings.Contains(empty.Body.String(), "The feed has no entries yet") {
		t.Errorf("%s", empty.Body)
	}
	fill(t, l, 250)
	for n, want := range map[int64]struct {
		rows  int
		links map[string]string // path by rel
	}{
		0: {100, map[string]string{"prev-archive": "/thing/feed/2", "self": "/thing/feed"}},
		1: {100, map[string]string{"next-archive": "/thing/feed/2", "current": "/thing/feed", "self": "/thing/feed"}},
		2: {100, map[string]string{"prev-archive": "/thing/feed/1", "next-archive": "/thing/feed/3", "current": "/thing/feed", "self": "/thing/feed"}},
		3: {50, map[string]string{"prev-archive": "/thing/feed/2", "current": "/thing/feed", "self": "/thing/feed"}},
	} {
		w := get(t, l, n, "Accept", htmlType)
		if w.Header().Get("Content-Type") != "text/html; charset=utf-8" || w.Header().Get("Cache-Control") != "no-cache" {
			t.Errorf("%v", w.Header())
		}
		root, err := html.Parse(w.Body)
		if err != nil {
			t.Fatal(err)
		}
		rows, details, links := 0, 0, map[string]string{}
		for node := range root.Descendants() {
			switch node.Data {
			case "tr":
				rows++
			case "details":
				details++
			case "a":
				if rel := attribute(node, "rel"); rel != "" {
					links[rel] = strings.TrimPrefix(attribute(node, "href"), "http://thing.test:8080")
				}
			}
		}
		if rows != want.rows+1 || details != want.rows || fmt.Sprint(links) != fmt.Sprint(want.links) {
			t.Errorf("document %d: %d rows, %d details, links %v, want %+v", n, rows, details, links, want)
		}
	}
	body := get(t, l, 3, "Accept", htmlType).Body.String()
	head, _ := l.Head()
	for _, part := range []string{`<a href="/thing/250">Thing 250</a>`, "A &lt;thing&gt; &amp; more", "thing/" + head.Epoch + "/250", "Answered by <b>thing-test</b>", "&#34;id&#34;"} {
		if !strings.Contains(body, part) {
			t.Errorf("no %s in\n%.3000s", part, body)
		}
	}
}

func attribute(n *html.Node, name string) string {
	for _, a := range n.Attr {
		if a.Key == name {
			return a.Val
		}
	}
	return ""
}

// The page stays small, however large the snapshots are; it shows those of the newest entries.
func TestPageStaysSmall(t *testing.T) {
	l := open(t)
	ref := "tag:msatom.example,2026:order/00000000-0000-0000-0000-000000000000/1000000"
	var events []outbox.Event
	for i := range 199 {
		long := `{"id":` + fmt.Sprint(i) + `,"text":["` + strings.Repeat(`\"","`, 50*(i%3)) + `"]}`
		events = append(events, outbox.Event{Subject: 1_000_000 + int64(i), Kind: "cancelled", ReplyTo: ref, Snapshot: []byte(long)})
	}
	if err := l.Append(l.db.DB, events...); err != nil {
		t.Fatal(err)
	}
	publish(t, l)
	for n := range int64(3) {
		body := get(t, l, n, "Accept", htmlType).Body.String()
		if len(body) > 50_000 {
			t.Errorf("document %d: %d bytes", n, len(body))
		}
		if details := strings.Count(body, "<details>"); details < 5 || details > 99 {
			t.Errorf("document %d: %d entries are shown with what they hold", n, details)
		}
		if !strings.Contains(body, "Details are shown for the newest entries only.") {
			t.Errorf("document %d does not say that it shows details of some entries only", n)
		}
	}
}

// An entry that answers one of another feed names it in every dialect.
func TestReplyInEveryDialect(t *testing.T) {
	l := open(t)
	const ref = "tag:msatom.example,2026:order/00000000-0000-0000-0000-000000000000/7"
	if err := l.Append(l.db.DB, outbox.Event{Subject: 1, Kind: "made", ReplyTo: ref, Snapshot: []byte(`{}`)}); err != nil {
		t.Fatal(err)
	}
	publish(t, l)
	for d, want := range map[string]string{
		"atom": `<thr:in-reply-to ref="` + ref + `">`, "rss": `<thr:in-reply-to ref="` + ref + `">`, "json": `"replyTo":"` + ref + `"`,
		"cloudevents": `"inreplyto":"` + ref + `"`, "html": "Acknowledges <code>" + ref + "</code>",
	} {
		i := slices.IndexFunc(Dialects, func(o Dialect) bool { return o.Name == d })
		body := get(t, l, 1, "Accept", Dialects[i].Types[0]).Body.String()
		if strings.Count(body, want) != 1 || strings.Contains(body, "<thr:") != strings.Contains(body, `xmlns:thr="http://purl.org/syndication/thread/1.0"`) {
			t.Errorf("%s: no %s in\n%s", d, want, body)
		}
	}
}
