package problem

import (
	"fmt"
	"strings"
	"testing"
)

func TestText(t *testing.T) {
	t.Parallel()
	for _, c := range []struct{ in, want, fault string }{
		{"  Berlin ", "Berlin", ""},
		{"Å<b>&\"'", "Å<b>&\"'", ""},
		{"", "", "is missing"},
		{" \t ", "", "is missing"},
		{"\u200b\u2060\ufeff\u00ad\u3164", "\u200b\u2060\ufeff\u00ad\u3164", "is missing"},
		{"می\u200cخواهم", "می\u200cخواهم", ""},
		{"👩\u200d🚀\ufe0f", "👩\u200d🚀\ufe0f", ""},
		{"a\u202eb", "a\u202eb", "contains a control character for the direction of text"},
		{"\u2067a", "\u2067a", "contains a control character for the direction of text"},
		{"12345678901", "12345678901", "is longer than 10 characters"},
		{"ab\x00c", "ab\x00c", "contains a control character"},
		{"a\nb", "a\nb", "contains a control character"},
		{"a\uFFFF", "a\uFFFF", "contains a control character"},
		{"a\xffb", "a\xffb", "is not valid UTF-8"},
		{"a\uFFFDb", "a\uFFFDb", "is not valid UTF-8"},
	} {
		var f Faults
		if got := f.Text("city", c.in, 10); got != c.want {
			t.Errorf("Text(%q) = %q, want %q", c.in, got, c.want)
		}
		got := ""
		if len(f) > 0 {
			got = f[0].Detail
		}
		if got != c.fault {
			t.Errorf("Text(%q): fault %q, want %q", c.in, got, c.fault)
		}
	}
}

func TestFaultsAreFoundInAWrappedError(t *testing.T) {
	t.Parallel()
	var f Faults
	if err := f.Err(); err != nil {
		t.Fatalf("no faults give %v", err)
	}
	f.Add("a", "is %d", 1)
	f.Add("b", "is missing")
	e := As(fmt.Errorf("placing: %w", f.Err()))
	if e == nil || e.Status != 422 || len(e.Fields) != 2 {
		t.Fatalf("As = %+v", e)
	}
	if !strings.Contains(e.Error(), "a is 1; b is missing") {
		t.Errorf("Error() = %q", e.Error())
	}
}
