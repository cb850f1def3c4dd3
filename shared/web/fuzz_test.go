package web

import (
	"slices"
	"testing"

	"msatom/shared/problem"
)

// Whatever an Accept header holds, the answer is one of the offers or 406, and the same when it is asked again.
func FuzzNegotiate(f *testing.F) {
	f.Add("text/html,application/xhtml+xml,application/xml;q=0.9,*/*;q=0.8")
	f.Fuzz(func(t *testing.T, accept string) {
		offers := []string{"application/atom+xml", JSON, "application/cloudevents-batch+json", HTML}
		ask := func() (string, error) { return Negotiate(request("GET", "/", "", "Accept", accept), offers...) }
		got, err := ask()
		p := problem.As(err)
		switch {
		case err == nil && !slices.Contains(offers, got):
			t.Errorf("%q is no offer", got)
		case err != nil && (p == nil || p.Status != 406 || got != "" || len(p.Detail) > 200):
			t.Errorf("%q, %v", got, err)
		case err != nil && accept == "":
			t.Errorf("without Accept: %v", err)
		}
		if again, _ := ask(); again != got {
			t.Errorf("%q, then %q", got, again)
		}
		for _, o := range offers {
			if accept == o && got != o {
				t.Errorf("%q is asked for, and got %q", o, got)
			}
		}
	})
}
