package feed_test

import (
	"encoding/json"
	"fmt"
	"strings"
	"testing"

	"github.com/mmcdole/gofeed/atom"

	"msatom/shared/feed"
	"msatom/shared/postgres/pgtest"
)

// positions returns the positions of the entries in a document, by its media type.
func positions(t *testing.T, a reply) (list []string) {
	t.Helper()
	if a.header.Get("Content-Type") == "application/json" {
		var f feed.JSONFeed
		if err := json.Unmarshal([]byte(a.body), &f); err != nil {
			t.Fatal(err)
		}
		for _, item := range f.Items {
			list = append(list, fmt.Sprint(item.Event.Position))
		}
		return list
	}
	f, err := (&atom.Parser{}).Parse(strings.NewReader(a.body))
	if err != nil {
		t.Fatal(err)
	}
	for _, e := range f.Entries {
		list = append(list, e.Extensions["ev"]["event"][0].Attrs["position"])
	}
	return list
}

// A consumer that waits gets only the new entries, in Atom and in JSON by the same rule; anybody else gets the whole.
func TestDelta(t *testing.T) {
	t.Parallel()
	s := start(t, pgtest.URL(t))
	s.add(1, 230)
	tag := func(path, accept, encoding string) string {
		return s.get(path, "Accept", accept, "Accept-Encoding", encoding).header.Get("ETag")
	}
	const jsonType, atomType = "application/json", "application/atom+xml"
	before := map[string]string{jsonType: tag("/thing/feed", jsonType, "identity"), atomType: tag("/thing/feed", atomType, "identity")}
	zipped := map[string]string{jsonType: tag("/thing/feed", jsonType, "gzip"), atomType: tag("/thing/feed", atomType, "gzip")}
	archived, page := tag("/thing/feed/2", jsonType, "identity"), tag("/thing/feed", "text/html", "identity")
	s.add(231, 233)
	for _, mediaType := range []string{jsonType, atomType} {
		known := before[mediaType]
		other := before[atomType]
		if mediaType == atomType {
			other = before[jsonType]
		}
		whole := s.get("/thing/feed", "Accept", mediaType, "Accept-Encoding", "identity")
		for name, c := range map[string]struct {
			path        string
			header      []string // besides Accept
			status      int
			last, first int // positions of the entries
		}{
			"the new entries":        {"/thing/feed", []string{"A-IM", "feed", "Prefer", "wait=5", "If-None-Match", known}, 226, 233, 231},
			"in a list":              {"/thing/feed", []string{"A-IM", "vcdiff, feed", "Prefer", "wait=5", "If-None-Match", known}, 226, 233, 231},
			"at the alias":           {"/feed", []string{"A-IM", "feed", "Prefer", "wait=5", "If-None-Match", known}, 226, 233, 231},
			"exactly the whole":      {"/thing/feed", []string{"A-IM", "feed", "Prefer", "wait=5", "If-None-Match", known[:10] + "101" + known[13:]}, 226, 233, 102},
			"without A-IM":           {"/thing/feed", []string{"Prefer", "wait=5", "If-None-Match", known}, 200, 233, 101},
			"without Prefer":         {"/thing/feed", []string{"A-IM", "feed", "If-None-Match", known}, 200, 233, 101},
			"another manipulation":   {"/thing/feed", []string{"A-IM", "vcdiff", "Prefer", "wait=5", "If-None-Match", known}, 200, 233, 101},
			"without a tag":          {"/thing/feed", []string{"A-IM", "feed", "Prefer", "wait=5"}, 200, 233, 101},
			"the other dialect's":    {"/thing/feed", []string{"A-IM", "feed", "Prefer", "wait=5", "If-None-Match", other}, 200, 233, 101},
			"the compressed one's":   {"/thing/feed", []string{"A-IM", "feed", "Prefer", "wait=5", "If-None-Match", zipped[mediaType]}, 200, 233, 101},
			"an archived one's":      {"/thing/feed", []string{"A-IM", "feed", "Prefer", "wait=5", "If-None-Match", archived}, 200, 233, 101},
			"another log's":          {"/thing/feed", []string{"A-IM", "feed", "Prefer", "wait=5", "If-None-Match", `"00000000` + known[9:]}, 200, 233, 101},
			"one to come":            {"/thing/feed", []string{"A-IM", "feed", "Prefer", "wait=5", "If-None-Match", known[:10] + "234" + known[13:]}, 200, 233, 101},
			"one too old":            {"/thing/feed", []string{"A-IM", "feed", "Prefer", "wait=5", "If-None-Match", known[:10] + "100" + known[13:]}, 200, 233, 101},
			"malformed":              {"/thing/feed", []string{"A-IM", "feed", "Prefer", "wait=5", "If-None-Match", known[:10] + "+230" + known[13:]}, 200, 233, 101},
			"of an archived address": {"/thing/feed/1", []string{"A-IM", "feed", "Prefer", "wait=5", "If-None-Match", known}, 200, 100, 1},
		} {
			name := mediaType + ", " + name
			a := s.get(c.path, append(c.header, "Accept", mediaType, "Accept-Encoding", "identity")...)
			list := positions(t, a)
			if a.status != c.status || len(list) != c.last-c.first+1 || list[0] != fmt.Sprint(c.last) || list[len(list)-1] != fmt.Sprint(c.first) {
				t.Errorf("%s: %d, entries %v", name, a.status, list)
			}
			if isDelta := c.status == 226; isDelta != (a.header.Get("IM") == "feed") || isDelta != (a.header.Get("Cache-Control") == "no-store") {
				t.Errorf("%s: %v", name, a.header)
			}
			if c.path != "/thing/feed/1" && a.header.Get("ETag") != whole.header.Get("ETag") {
				t.Errorf("%s: the tag is %s, that of the whole %s", name, a.header.Get("ETag"), whole.header.Get("ETag"))
			}
		}
		ask := []string{"Accept", mediaType, "Accept-Encoding", "identity", "A-IM", "feed", "Prefer", "wait=1"}
		if a := s.get("/thing/feed", append(ask, "If-None-Match", whole.header.Get("ETag"))...); a.status != 304 || a.header.Get("IM") != "" {
			t.Errorf("%s without news: %d %v", mediaType, a.status, a.header)
		}
		if a := s.get("/thing/feed", append(ask, "If-None-Match", known, "Range", "bytes=0-9")...); a.status != 206 {
			t.Errorf("%s, a range: %d %v", mediaType, a.status, a.header)
		}
	}
	if a := s.get("/thing/feed", "Accept", "text/html", "A-IM", "feed", "Prefer", "wait=1", "If-None-Match", page, "Accept-Encoding", "identity"); a.status != 200 || a.header.Get("IM") != "" {
		t.Errorf("the page: %d %v", a.status, a.header)
	}
}
