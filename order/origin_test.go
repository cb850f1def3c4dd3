// The origin of a request: cross-site requests are refused, and forged headers do not change links.
package main

import (
	"strings"
	"testing"
)

func TestCrossSiteRequestsAreRefused(t *testing.T) {
	t.Parallel()
	s := open(t)
	s.place()
	place, remove := filled(1, 1).Encode(), "_method=DELETE"
	for _, c := range []struct {
		name   string
		header []string
	}{
		{"another site", []string{"Sec-Fetch-Site", "cross-site"}},
		{"a sibling domain", []string{"Sec-Fetch-Site", "same-site"}},
		{"another origin", []string{"Origin", "https://evil.example"}},
		{"origin null", []string{"Origin", "null"}},
		{"another port", []string{"Origin", "http://127.0.0.1:1"}},
		{"contradicting headers", []string{"Sec-Fetch-Site", "cross-site", "Origin", s.url}},
		{"a forged host", []string{"Origin", "https://evil.example", "X-Forwarded-Host", "evil.example", "X-Public-URL", "https://evil.example"}},
	} {
		t.Run(c.name, func(t *testing.T) {
			for _, r := range []refusal{
				{method: "POST", path: "/order/", contentType: asForm, body: place},
				{method: "POST", path: "/order/", contentType: asJSON, body: text(asked(1, 1))},
				{method: "POST", path: "/order/", contentType: "text/plain", body: text(asked(1, 1))},
				{method: "POST", path: "/order/1", contentType: asForm, body: remove},
				{method: "PUT", path: "/order/1", contentType: asJSON, body: text(asked(1, 2))},
				{method: "DELETE", path: "/order/1"},
				{method: "POST", path: "/order/customer/", contentType: asForm, body: "firstname=a&name=b&email=c@example.com"},
				{method: "POST", path: "/order/item/", contentType: asForm, body: "name=a&price=1"},
			} {
				r.status, r.header = 403, c.header
				r.check(t, s)
			}
			if a := s.get("/order/1", c.header...); a.status != 200 {
				t.Errorf("a link from there: %d", a.status)
			}
		})
	}
	for name, header := range map[string][]string{
		"a program": nil, "the address bar": {"Sec-Fetch-Site", "none"}, "our page": {"Sec-Fetch-Site", "same-origin"},
		"our page in an old browser": {"Origin", s.url}, "our page behind the front door": {"Origin", "https://shop.example", "Host", "shop.example"},
	} {
		if a := s.do("POST", "/order/", place, append(header, "Content-Type", asForm)...); a.status != 303 {
			t.Errorf("%s: %d", name, a.status)
		}
	}
}

// Links lead to the request's host or to the reverse proxy's public address. Headers that a client
// can forge do not change them.
func TestForgedHeadersDoNotChangeLinks(t *testing.T) {
	t.Parallel()
	s := open(t)
	s.place()
	const evil = "evil.example"
	for _, path := range []string{"/order/feed", "/order/feed/1", "/feed", "/order/", "/order/1"} {
		for _, accept := range []string{reader, program, browser} {
			if path == "/order/1" && accept == reader {
				continue
			}
			honest := s.get(path, "Accept", accept)
			forged := s.get(path, "Accept", accept, "X-Forwarded-Host", evil, "X-Forwarded-Proto", "https", "X-Forwarded-Server", evil, "X-Forwarded-For", "6.6.6.6",
				"X-Forwarded-Prefix", "/"+evil, "Forwarded", "host="+evil, "X-Host", evil, "X-Original-URL", "/"+evil, "X-Rewrite-URL", "/"+evil, "X-HTTP-Method-Override", "DELETE")
			if forged.status != 200 || forged.body != honest.body || strings.Contains(forged.body, evil) {
				t.Errorf("%s as %.20s: %d\n%.300s", path, accept, forged.status, forged.body)
			}
		}
	}
	links := func(header ...string) string { return s.feed(header...).Links[0].Href }
	if got := links("Host", "order:8080"); got != "http://order:8080/order/feed" {
		t.Errorf("asked at order:8080: %s", got)
	}
	if got := links("X-Public-URL", "https://shop.example"); got != "https://shop.example/order/feed" {
		t.Errorf("through the front door: %s", got)
	}
	for _, bad := range []string{"javascript:alert(1)", "//evil.example", "evil.example", "\xff", "ftp://evil.example", "http://"} {
		if got := links("X-Public-URL", bad); got != s.url+"/order/feed" {
			t.Errorf("public address %q: %s", bad, got)
		}
	}
	if a := s.get("/order/feed", "Host", `x"><script>`); strings.Contains(a.body, "<script>") {
		t.Errorf("a host with markup: %d %.300s", a.status, a.body)
	}
}
