package money

import (
	"encoding/json"
	"testing"
)

func TestParse(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		in   string
		want Amount
		ok   bool
	}{
		{"42", 4200, true}, {"42.0", 4200, true}, {"42.00", 4200, true}, {"0.1", 10, true}, {"4.2e1", 4200, true},
		{"1.0E7", 1_000_000_000, true}, {"-3.05", -305, true}, {"90071992547409.91", Max, true},
		{"90071992547409.92", 0, false}, {"0.001", 0, false}, {"", 0, false}, {"1/3", 0, false}, {"0x10", 0, false},
		{"1e400", 0, false}, {"1e-400", 0, false}, {"NaN", 0, false}, {"1_000", 0, false}, {"1,000", 0, false},
	} {
		got, err := Parse(c.in)
		if got != c.want || (err == nil) != c.ok {
			t.Errorf("Parse(%q) = %d, %v; want %d, ok %t", c.in, got, err, c.want, c.ok)
		}
	}
}

// Parse has a fast path for plain decimals. It agrees with the general path, which an exponent selects.
func TestFastPathAgrees(t *testing.T) {
	t.Parallel()
	for _, s := range []string{
		"0", "7", "42", "42.5", "42.05", "-42.05", "+7", "007", "9999999999999", "9999999999999.99", "10000000000000", "-0", "-0.01",
		"-", "+", ".", "5.", ".5", "-.5", "1.+5", "1.-5", "--1", "1.1.1", " 1", "1 ", "1.5x", "１",
	} {
		plain, err := Parse(s)
		general, generalErr := Parse(s + "e0")
		if plain != general || (err == nil) != (generalErr == nil) {
			t.Errorf("Parse(%q) = %d, %v; with an exponent %d, %v", s, plain, err, general, generalErr)
		}
	}
}

func TestText(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		in            Amount
		plain, people string
	}{
		{0, "0.00", "0.00"}, {5, "0.05", "0.05"}, {-305, "-3.05", "-3.05"}, {99999, "999.99", "999.99"},
		{100000, "1000.00", "1,000.00"}, {-123456789, "-1234567.89", "-1,234,567.89"},
	} {
		if got := c.in.String(); got != c.plain {
			t.Errorf("String(%d) = %q, want %q", int64(c.in), got, c.plain)
		}
		if got := c.in.Grouped(); got != c.people {
			t.Errorf("Grouped(%d) = %q, want %q", int64(c.in), got, c.people)
		}
	}
}

// JSON and sums are exact for amounts that binary floating point cannot represent.
func TestJSONKeepsCents(t *testing.T) {
	t.Parallel()
	var a Amount
	if err := json.Unmarshal([]byte("0.1"), &a); err != nil {
		t.Fatal(err)
	}
	sum := Amount(0)
	for range 3 {
		sum += a
	}
	b, err := json.Marshal(sum)
	if err != nil || string(b) != "0.30" {
		t.Errorf("0.1 three times = %s, %v; want 0.30", b, err)
	}
}
