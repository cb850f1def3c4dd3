package e2e

import (
	"encoding/json"
	"testing"

	"msatom/tools/system"
)

// The example service works without being registered anywhere: its folder is enough (docs/adding-a-service.md).
func TestBonus(t *testing.T) {
	t.Parallel()
	s := visit(t, run(t, system.Config{Scale: map[string]int{"bonus": 2}}).URL())
	bonus := func() (amount, orders string) {
		s.must(200, "POST", "/bonus/poll", "", asJSON...)
		var accounts []struct{ Bonus, Orders json.Number }
		if err := json.Unmarshal(s.must(200, "GET", "/bonus/", "", asJSON...).body, &accounts); err != nil {
			t.Fatal(err)
		}
		if len(accounts) != 1 {
			return "", ""
		}
		return accounts[0].Bonus.String(), accounts[0].Orders.String()
	}
	first := s.mustPlace("bonus 1", 1) // 42.00 for an iPod and 100.00 for an Apple TV
	s.mustPlace("bonus 2", 2)
	eventually(t, "5 % of both orders", patience, func() bool { a, n := bonus(); return a == "16.30" && n == "2" })
	s.must(200, "DELETE", "/order/1", "", asJSON...)
	eventually(t, "5 % of the order that is not cancelled", patience, func() bool { a, n := bonus(); return a == "9.20" && n == "1" })
	if r := s.read("/bonus/1"); first != 1 || r.Status != "withdrawn" {
		t.Errorf("credit of order %d: %+v", first, r)
	}
	eventually(t, "order has read the acknowledgements of bonus", patience, func() bool {
		var d struct {
			Consumers []struct {
				Consumer   string
				Last, Open int64
			}
		}
		if err := json.Unmarshal(s.must(200, "GET", "/order/deliveries", "", asJSON...).body, &d); err != nil {
			t.Fatal(err)
		}
		for _, c := range d.Consumers {
			if c.Consumer == "bonus" {
				return c.Last == 3 && c.Open == 0
			}
		}
		return false
	})
}
