package follow

import (
	"fmt"
	"net/url"
	"strings"
	"testing"
)

func eventEntry(position int, event string) string {
	return fmt.Sprintf(`<entry><id>e%d</id><updated>2026-01-01T00:00:00Z</updated><category term="placed"/>
		<thr:in-reply-to xmlns:thr="http://purl.org/syndication/thread/1.0" ref="other/%d"/><content type="application/json" src="/order/%d"/>%s</entry>`,
		position, position, position, event)
}

func event(position int) string {
	return fmt.Sprintf(`<ev:event xmlns:ev="tag:msatom.example,2026:event" position="%d" subject="7" kind="placed"><![CDATA[{"a": "<b> & &amp; c"}]]></ev:event>`, position)
}

func parseText(text string) (*Document, error) {
	return parse("application/atom+xml;charset=utf-8", &url.URL{Scheme: "http", Host: "order:8080", Path: "/order/feed"}, []byte(text), 1000)
}

// An Atom entry carries its event in an extension element.
func TestAtomEvents(t *testing.T) {
	t.Parallel()
	d, err := parseText(atomFeed(`<link rel="prev-archive" href="/order/feed/1"/>`, eventEntry(12, event(12)), eventEntry(11, event(11))))
	if err != nil {
		t.Fatal(err)
	}
	if d.Foreign || d.First() != 11 || d.Last() != 12 || d.links["prev-archive"] != "http://order:8080/order/feed/1" {
		t.Errorf("%+v", d)
	}
	e := d.Entries[1]
	if e.ID != "e12" || e.Subject != 7 || e.Kind != "placed" || string(e.Content) != `{"a": "<b> & &amp; c"}` || e.ReplyTo != "other/12" ||
		e.Src != "http://order:8080/order/12" || e.Updated.Unix() != 1767225600 {
		t.Errorf("%+v", e)
	}
	for name, c := range map[string]struct {
		want    string
		entries []string
	}{
		"a position is missing":      {"not complete", []string{eventEntry(12, event(12)), eventEntry(10, event(10))}},
		"the order is wrong":         {"not complete", []string{eventEntry(11, event(11)), eventEntry(12, event(12))}},
		"an entry without its event": {"1 of 2 entries", []string{eventEntry(12, event(12)), eventEntry(11, "")}},
		"a position is not a number": {"position of e12", []string{eventEntry(12, strings.Replace(event(12), `"12"`, `"twelve"`, 1))}},
		"a subject is not a number":  {"subject of e12", []string{eventEntry(12, strings.Replace(event(12), `"7"`, `""`, 1))}},
		"a position is not positive": {"position of e0", []string{eventEntry(0, event(0))}},
	} {
		if _, err := parseText(atomFeed("", c.entries...)); err == nil || !strings.Contains(err.Error(), c.want) {
			t.Errorf("%s: %v, want %q", name, err, c.want)
		}
	}
}
