package main

import (
	"fmt"
	"strings"
	"testing"

	"msatom/shared/consumer/consumertest"
	"msatom/shared/follow"
	"msatom/shared/postgres/pgtest"
)

func TestMain(m *testing.M) { pgtest.Main(m) }

func order1(status, street string, counts ...int) string {
	lines := []string{}
	for _, n := range counts {
		lines = append(lines, fmt.Sprintf(`{"count":%d,"item":{"itemId":1,"name":"iPod","price":0.10}}`, n))
	}
	return fmt.Sprintf(`{"id":1,"status":%q,"customer":{"customerId":7,"name":"Wolff","firstname":"Eberhard","email":"e@w.example"},
		"billingAddress":{"street":%q,"zip":"10117","city":"Berlin"},"orderLine":[%s]}`, status, street, strings.Join(lines, ","))
}

// The invoice follows the newest event of its order, in whatever sequence events arrive.
func TestNewestEventWins(t *testing.T) {
	t.Parallel()
	placed := consumertest.Event("a", 1, 1, order1("placed", "Unter den Linden", 1, 2))
	changed := consumertest.Event("a", 2, 1, order1("placed", "Friedrichstraße", 3))
	cancelled := consumertest.Event("a", 3, 1, order1("cancelled", "Friedrichstraße", 3))
	restored := consumertest.Event("b", 1, 1, order1("placed", "Unter den Linden", 1, 2)) // another log begins again at 1
	for _, c := range []struct {
		name    string
		events  []follow.Entry
		written int // how often something was written
		want    string
	}{
		{"placed", []follow.Entry{placed}, 1, "open Unter den Linden 0.30 at 1"},
		{"the same again", []follow.Entry{placed, placed, placed}, 1, "open Unter den Linden 0.30 at 1"},
		{"in order", []follow.Entry{placed, changed, cancelled}, 3, "void Friedrichstraße 0.30 at 3"},
		{"backwards", []follow.Entry{cancelled, changed, placed}, 1, "void Friedrichstraße 0.30 at 3"},
		{"changed", []follow.Entry{placed, changed, placed}, 2, "open Friedrichstraße 0.30 at 2"},
		{"another log", []follow.Entry{placed, cancelled, restored, restored}, 3, "open Unter den Linden 0.30 at 1"},
	} {
		t.Run(c.name, func(t *testing.T) {
			trial := consumertest.New(t, invoicing)
			n := 0
			for _, e := range c.events {
				written, err := trial.Apply(e)
				if err != nil {
					t.Fatal(err)
				}
				n += written
			}
			i, err := invoicing.Get(trial.DB, 1)
			if err != nil {
				t.Fatal(err)
			}
			got := fmt.Sprintf("%s %s %s at %d", i.Status, i.Billing.Street, i.Total, i.Updated.Unix())
			if got != c.want || n != c.written {
				t.Errorf("%s, written %d times; want %s, %d times", got, n, c.want, c.written)
			}
		})
	}
}

// A batch is saved whole or not at all; the follower then bisects it.
func TestInvalidOrderIsRefused(t *testing.T) {
	t.Parallel()
	good := consumertest.Event("a", 1, 2, order1("placed", "x", 1))
	for name, content := range map[string]string{
		"not JSON":           `<html>`,
		"no customer":        `{"id":1}`,
		"a count of 0":       order1("placed", "x", 0),
		"a count below 0":    order1("placed", "x", -1),
		"a huge count":       strings.Replace(order1("placed", "x", 1), `"count":1`, `"count":99999999999`, 1),
		"a third decimal":    strings.Replace(order1("placed", "x", 1), "0.10", "0.001", 1),
		"a text for a price": strings.Replace(order1("placed", "x", 1), "0.10", `"much"`, 1),
		"an endless price":   strings.Replace(order1("placed", "x", 1), "0.10", "99999999999999", 1),
		"NUL":                strings.Replace(order1("placed", "x", 1), "iPod", `i\u0000Pod`, 1),
	} {
		t.Run(name, func(t *testing.T) {
			trial := consumertest.New(t, invoicing)
			if _, err := trial.Apply(good, consumertest.Event("a", 2, 1, content)); err == nil {
				t.Error("accepted")
			}
			if i, err := invoicing.Get(trial.DB, 2); err == nil {
				t.Errorf("written: %+v", i)
			}
		})
	}
}

// The feed document that order's test keeps, the contract between the two, becomes the invoices that this test keeps.
func TestContract(t *testing.T) {
	t.Parallel()
	c := consumertest.New(t, invoicing)
	c.Read("../order/testdata/document.json")
	c.Golden("testdata/invoices.json", "/invoicing/?limit=1000")
}
