package main

import (
	"fmt"
	"testing"

	"msatom/shared/consumer/consumertest"
	"msatom/shared/postgres/pgtest"
)

func TestMain(m *testing.M) { pgtest.Main(m) }

const placed = `{"status":"placed","customer":{"name":"Wolff"},"orderLine":[{"count":2},{"count":3}]}`
const cancelled = `{"status":"cancelled","customer":{"name":"Wolff"},"orderLine":[{"count":2},{"count":3}]}`

// A note follows the latest event of its order, in whatever sequence and however often events arrive.
func TestNoteFollowsTheOrder(t *testing.T) {
	t.Parallel()
	trial := consumertest.New(t, skeleton)
	for _, step := range []struct {
		position int64
		content  string
		want     string
	}{
		{2, placed, "noted: 5 for Wolff"},
		{3, cancelled, "cancelled: 5 for Wolff"},
		{2, placed, "cancelled: 5 for Wolff"},
		{1, placed, "cancelled: 5 for Wolff"},
	} {
		if _, err := trial.Apply(consumertest.Event("a", step.position, 1, step.content)); err != nil {
			t.Fatal(err)
		}
		n, err := skeleton.Get(trial.DB, 1)
		if err != nil {
			t.Fatal(err)
		}
		if got := fmt.Sprintf("%s: %d for %s", n.Status, n.Pieces, n.Customer); got != step.want {
			t.Errorf("after position %d: %s, want %s", step.position, got, step.want)
		}
	}
}

func TestInvalidOrderIsRefused(t *testing.T) {
	t.Parallel()
	trial := consumertest.New(t, skeleton)
	for _, content := range []string{`<html>`, `{}`, `{"customer":{"name":1}}`} {
		if _, err := trial.Apply(consumertest.Event("a", 1, 1, content)); err == nil {
			t.Errorf("accepted: %s", content)
		}
	}
}
