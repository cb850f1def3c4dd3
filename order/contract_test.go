package main

import (
	"os"
	"regexp"
	"testing"

	"github.com/google/go-cmp/cmp"
)

var (
	anyUUID   = regexp.MustCompile(`[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}`)
	anySecond = regexp.MustCompile(`\d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ`)
	anyDate   = regexp.MustCompile(`\w{3}, \d\d \w{3} \d{4} \d\d:\d\d:\d\d \+0000`)
)

// The feed's documents are a contract: the tests of invoicing and shipping read the same files.
// UPDATE=1 writes the files.
func TestFeedDocumentsMatchTheContract(t *testing.T) {
	t.Parallel()
	s := open(t)
	s.order(s.json("POST", "/order/", text(asked(1, 3, 4, 1))), 201)
	s.order(s.json("POST", "/order/", text(asked(2, 1))), 201)
	s.order(s.json("POST", "/order/", text(asked(3, 100000))), 201)
	s.order(s.json("PUT", "/order/2", text(asked(2, 2, 3, 7))), 200)
	s.order(s.do("DELETE", "/order/3", ""), 200)
	for file, accept := range map[string]string{
		"testdata/document.json": program, "testdata/document.xml": reader,
		"testdata/document.rss.xml": "application/rss+xml", "testdata/document.cloudevents.json": "application/cloudevents-batch+json",
	} {
		a := s.get("/order/feed", "Accept", accept, "Host", "order:8080")
		got := anyUUID.ReplaceAllString(a.body, "00000000-0000-0000-0000-000000000000")
		got = anySecond.ReplaceAllString(got, "2026-11-21T10:00:00Z")
		got = anyDate.ReplaceAllString(got, "Sat, 21 Nov 2026 10:00:00 +0000")
		if os.Getenv("UPDATE") != "" {
			if err := os.WriteFile(file, []byte(got), 0o644); err != nil {
				t.Fatal(err)
			}
		}
		want, err := os.ReadFile(file)
		if err != nil {
			t.Fatal(err)
		}
		if diff := cmp.Diff(string(want), got); diff != "" {
			t.Errorf("%s (-want +got):\n%s", file, diff)
		}
	}
}
