package web

import (
	"slices"
	"testing"

	"msatom/shared/problem"
)

// Whatever an Accept header contains, the result is one of the offers or 406, and the same every time.
func FuzzNegotiate(f *testing.F) {
	f.Add("text/html,application/xhtml+xml,application/xml;q=0.9,*/*;q=0.8")
	f.Fuzz(func(t *testing.T, accept string) {
		offers := []string{"application/atom+xml", JSON, "application/cloudevents-batch+json", HTML}
		negotiate := func() (string, error) { return Negotiate(request("GET", "/", "", "Accept", accept), offers...) }
		got, err := negotiate()
		p := problem.As(err)
		switch {
		case err == nil && !slices.Contains(offers, got):
			t.Errorf("%q was not offered", got)
		case err != nil && (p == nil || p.Status != 406 || got != "" || len(p.Detail) > 200):
			t.Errorf("%q, %v", got, err)
		case err != nil && accept == "":
			t.Errorf("without Accept: %v", err)
		}
		if again, _ := negotiate(); again != got {
			t.Errorf("first %q, then %q", got, again)
		}
		for _, o := range offers {
			if accept == o && got != o {
				t.Errorf("Accept %q: got %q", o, got)
			}
		}
	})
}
