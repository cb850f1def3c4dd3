package main

import (
	"fmt"
	"testing"

	"msatom/shared/consumer/consumertest"
	"msatom/shared/follow"
	"msatom/shared/list"
	"msatom/shared/postgres/pgtest"
)

func TestMain(m *testing.M) { pgtest.Main(m) }

func orderOf(customer int64, status string, count int, price string) string {
	return fmt.Sprintf(`{"status":%q,"customer":{"customerId":%d,"name":"Wolff","firstname":"Eberhard"},"orderLine":[
		{"count":%d,"item":{"itemId":1,"price":%s}},{"count":1,"item":{"itemId":2,"price":0}}]}`, status, customer, count, price)
}

// A bonus follows the latest event of its order, in whatever sequence events arrive, and belongs to the order's customer.
func TestBonusFollowsTheOrder(t *testing.T) {
	t.Parallel()
	placed := consumertest.Event("a", 1, 1, orderOf(7, "placed", 2, "42.00"))
	changed := consumertest.Event("a", 2, 1, orderOf(7, "placed", 1, "42.00"))
	other := consumertest.Event("a", 3, 1, orderOf(8, "placed", 1, "42.00"))
	cancelled := consumertest.Event("a", 4, 1, orderOf(7, "cancelled", 2, "42.00"))
	second := consumertest.Event("a", 5, 2, orderOf(7, "placed", 1, "10.00"))
	for _, c := range []struct {
		name   string
		events []follow.Entry
		want   string
	}{
		{"placed", []follow.Entry{placed}, "7: 4.20 by 1"},
		{"the same again", []follow.Entry{placed, placed}, "7: 4.20 by 1"},
		{"changed", []follow.Entry{placed, changed, placed}, "7: 2.10 by 1"},
		{"of another customer", []follow.Entry{placed, other}, "8: 2.10 by 1"},
		{"cancelled", []follow.Entry{placed, cancelled}, "7: 0.00 by 0"},
		{"cancelled, backwards", []follow.Entry{cancelled, placed}, "7: 0.00 by 0"},
		{"two orders", []follow.Entry{placed, second}, "7: 4.70 by 2"},
		{"one of two cancelled", []follow.Entry{placed, second, cancelled}, "7: 0.50 by 1"},
	} {
		t.Run(c.name, func(t *testing.T) {
			trial := consumertest.New(t, bonus)
			for _, e := range c.events {
				if _, err := trial.Apply(e); err != nil {
					t.Fatal(err)
				}
			}
			rows, _, err := accounts(trial.DB, list.Part{Limit: 10})
			if err != nil {
				t.Fatal(err)
			}
			var got string
			for _, a := range rows.([]*Account) {
				got += fmt.Sprintf("%d: %s by %d", a.ID, a.Bonus, a.Orders)
			}
			if got != c.want {
				t.Errorf("%s, want %s", got, c.want)
			}
		})
	}
}

func TestRounding(t *testing.T) {
	t.Parallel()
	trial := consumertest.New(t, bonus)
	id := int64(0)
	for price, want := range map[string]string{"0": "0.00", "0.09": "0.00", "0.10": "0.01", "0.29": "0.01", "0.30": "0.02", "19.99": "1.00", "90071992547409.91": "4503599627370.50"} {
		id++
		if _, err := trial.Apply(consumertest.Event("a", id, id, orderOf(7, "placed", 1, price))); err != nil {
			t.Fatal(err)
		}
		if c, err := bonus.Get(trial.DB, id); err != nil || c.Bonus.String() != want {
			t.Errorf("of %s: %v (%v), want %s", price, c.Bonus, err, want)
		}
	}
}

func TestInvalidOrderIsRefused(t *testing.T) {
	t.Parallel()
	trial := consumertest.New(t, bonus)
	for name, content := range map[string]string{
		"not JSON":           `<html>`,
		"no customer":        `{"id":1}`,
		"a count of 0":       orderOf(7, "placed", 0, "1.00"),
		"a price below 0":    orderOf(7, "placed", 1, "-1.00"),
		"a third decimal":    orderOf(7, "placed", 1, "0.001"),
		"more than there is": orderOf(7, "placed", 2, "90071992547409.91"),
	} {
		if n, err := trial.Apply(consumertest.Event("a", 1, 1, content)); err == nil {
			t.Errorf("%s: written %d", name, n)
		}
	}
}

// The feed document that order's test keeps, the contract between the two, becomes the accounts that this test keeps.
func TestContract(t *testing.T) {
	t.Parallel()
	c := consumertest.New(t, bonus)
	c.Read("../../order/testdata/document.json")
	c.Golden("testdata/accounts.json", "/bonus/?limit=1000")
}
