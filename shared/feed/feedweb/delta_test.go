package feedweb_test

import (
	"encoding/json"
	"strings"
	"testing"

	"msatom/shared/feed"
	"msatom/shared/postgres/pgtest"
)

// Who has the recent document and asks for what is new is given that; anybody else gets the whole.
func TestWhatIsNewOnly(t *testing.T) {
	s := start(t, pgtest.URL(t))
	s.add(1, 230)
	const json1, gzip = "application/json", "gzip"
	tag := func(path, accept, encoding string) string {
		return s.get(path, "Accept", accept, "Accept-Encoding", encoding).header.Get("ETag")
	}
	before := tag("/thing/feed", json1, "identity")
	atom, zipped, archived := tag("/thing/feed", "*/*", "identity"), tag("/thing/feed", json1, gzip), tag("/thing/feed/2", json1, "identity")
	page := tag("/thing/feed", "text/html", "identity")
	s.add(231, 233)
	whole := s.get("/thing/feed", "Accept", json1, "Accept-Encoding", "identity")
	for name, c := range map[string]struct {
		path   string
		header []string
		status int
		last   int // positions of the entries
		first  int
	}{
		"what is new":              {"/thing/feed", []string{"A-IM", "feed", "If-None-Match", before}, 226, 233, 231},
		"in a list":                {"/thing/feed", []string{"A-IM", "vcdiff, feed", "If-None-Match", before}, 226, 233, 231},
		"at the other address":     {"/feed", []string{"A-IM", "feed", "If-None-Match", before}, 226, 233, 231},
		"not asked for":            {"/thing/feed", []string{"If-None-Match", before}, 200, 233, 101},
		"in another way":           {"/thing/feed", []string{"A-IM", "vcdiff", "If-None-Match", before}, 200, 233, 101},
		"by who has nothing":       {"/thing/feed", []string{"A-IM", "feed"}, 200, 233, 101},
		"by who has Atom":          {"/thing/feed", []string{"A-IM", "feed", "If-None-Match", atom}, 200, 233, 101},
		"by who has gzip":          {"/thing/feed", []string{"A-IM", "feed", "If-None-Match", zipped}, 200, 233, 101},
		"by who has a part":        {"/thing/feed", []string{"A-IM", "feed", "If-None-Match", archived}, 200, 233, 101},
		"by who has another log":   {"/thing/feed", []string{"A-IM", "feed", "If-None-Match", `"00000000` + before[9:]}, 200, 233, 101},
		"by who has what is to be": {"/thing/feed", []string{"A-IM", "feed", "If-None-Match", before[:10] + "234" + before[13:]}, 200, 233, 101},
		"by who has too little":    {"/thing/feed", []string{"A-IM", "feed", "If-None-Match", before[:10] + "100" + before[13:]}, 200, 233, 101},
		"by who has just enough":   {"/thing/feed", []string{"A-IM", "feed", "If-None-Match", before[:10] + "101" + before[13:]}, 226, 233, 102},
		"by who has nonsense":      {"/thing/feed", []string{"A-IM", "feed", "If-None-Match", before[:10] + "+230" + before[13:]}, 200, 233, 101},
		"of an archived document":  {"/thing/feed/1", []string{"A-IM", "feed", "If-None-Match", before}, 200, 100, 1},
	} {
		a := s.get(c.path, append(c.header, "Accept", json1, "Accept-Encoding", "identity")...)
		var f feed.JSONFeed
		if err := json.Unmarshal([]byte(a.body), &f); err != nil || a.status != c.status || len(f.Items) != c.last-c.first+1 ||
			f.Log.Head != int64(c.last) || f.Items[0].Event.Position != int64(c.last) || f.Items[len(f.Items)-1].Event.Position != int64(c.first) {
			t.Errorf("%s: %d %v, %d entries up to %d", name, a.status, err, len(f.Items), f.Log.Head)
		}
		if new := c.status == 226; new != (a.header.Get("IM") == "feed") || new != (a.header.Get("Cache-Control") == "no-store") {
			t.Errorf("%s: %v", name, a.header)
		}
		if varies := strings.HasSuffix(a.header.Get("Vary"), ", A-IM"); varies != (c.path != "/thing/feed/1") {
			t.Errorf("%s: Vary: %s", name, a.header.Get("Vary"))
		}
		if c.path != "/thing/feed/1" && a.header.Get("ETag") != whole.header.Get("ETag") {
			t.Errorf("%s: the tag is %s, that of the whole %s", name, a.header.Get("ETag"), whole.header.Get("ETag"))
		}
	}
	if a := s.get("/thing/feed", "Accept", "text/html", "A-IM", "feed", "If-None-Match", page, "Accept-Encoding", "identity"); a.status != 200 || a.header.Get("IM") != "" {
		t.Errorf("the page: %d %v", a.status, a.header)
	}
	if a := s.get("/thing/feed", "Accept", json1, "A-IM", "feed", "If-None-Match", whole.header.Get("ETag"), "Accept-Encoding", "identity"); a.status != 304 || a.header.Get("IM") != "" {
		t.Errorf("without news: %d %v", a.status, a.header)
	}
	if a := s.get("/thing/feed", "Accept", "application/atom+xml", "A-IM", "feed", "If-None-Match", atom, "Accept-Encoding", "identity"); a.status != 200 || a.header.Get("IM") != "" {
		t.Errorf("Atom: %d %v", a.status, a.header)
	}
	if a := s.get("/thing/feed", "Accept", json1, "A-IM", "feed", "If-None-Match", before, "Accept-Encoding", "identity", "Range", "bytes=0-9"); a.status != 206 {
		t.Errorf("a range: %d %v", a.status, a.header)
	}
}
