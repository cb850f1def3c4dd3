package main

import (
	"cmp"
	"encoding/json"
	"fmt"
	"slices"
	"strings"
	"testing"

	"gorm.io/gorm"

	"msatom/shared/consumer/consumertest"
	"msatom/shared/list"
)

// orderOf returns an order of a customer: count pieces at 0.10.
func orderOf(customer int, firstname, name string, count int) string {
	return fmt.Sprintf(`{"status":"placed","customer":{"customerId":%d,"name":%q,"firstname":%q,"email":"a@example.com"},
		"billingAddress":{"street":"s","zip":"z","city":"c"},"orderLine":[{"count":%d,"item":{"itemId":1,"name":"iPod","price":0.10}}]}`, customer, name, firstname, count)
}

// The list is complete, part by part, in every order and for every filter, as JSON and as a page.
func TestList(t *testing.T) {
	trial := consumertest.New(t, invoicing)
	counts := map[int64]int{}
	for i := 1; i <= 12; i++ {
		content := orderOf(1, "Eberhard", "Wolff", 1+i%5)
		if i%3 == 0 {
			content = orderOf(2, "Rare", "100% Guest", 1+i%5)
		}
		if _, err := trial.Apply(consumertest.Event("a", int64(i), int64(i), content)); err != nil {
			t.Fatal(err)
		}
		counts[int64(i)] = 1 + i%5
	}
	if _, err := trial.Apply(consumertest.Event("a", 13, 3, orderOf(2, "Rare", "100% Guest", 9))); err != nil {
		t.Fatal(err)
	}
	counts[3] = 9
	ids := func(path string) (all []int64) {
		for pages := 0; path != ""; pages++ {
			header, body := trial.Get(path, "application/json")
			var part []struct{ ID int64 }
			if err := json.Unmarshal([]byte(body), &part); err != nil || pages > len(counts) {
				t.Fatalf("%s: %v in %s", path, err, body)
			}
			_, page := trial.Get(path, "text/html")
			for _, i := range part {
				all = append(all, i.ID)
				if !strings.Contains(page, fmt.Sprintf(">Invoice %d<", i.ID)) {
					t.Errorf("the page %s does not show %d", path, i.ID)
				}
			}
			if n := strings.Count(page, `<td><a href="/invoicing/`); n != len(part) {
				t.Errorf("the page %s shows %d invoices, want %d", path, n, len(part))
			}
			path, _, _ = strings.Cut(strings.TrimPrefix(header.Get("Link"), "<"), ">")
		}
		return all
	}
	byAmount := func(a, b int64) int { return cmp.Or(cmp.Compare(counts[a], counts[b]), cmp.Compare(a, b)) }
	var all []int64
	for id := range counts {
		all = append(all, id)
	}
	for sort, compare := range map[string]func(a, b int64) int{
		"":        func(a, b int64) int { return cmp.Compare(b, a) },
		"oldest":  cmp.Compare[int64],
		"lowest":  byAmount,
		"highest": func(a, b int64) int { return byAmount(b, a) },
	} {
		slices.SortFunc(all, compare)
		guests := slices.DeleteFunc(slices.Clone(all), func(id int64) bool { return id%3 != 0 })
		for query, want := range map[string][]int64{"": all, "&name=e": all, "&name=guest": guests, "&name=Rare+100%25": guests, "&name=%25": guests, "&name=nobody": nil, "&name=_": nil} {
			if got := ids("/invoicing/?limit=5&sort=" + sort + query); !slices.Equal(got, want) {
				t.Errorf("sort=%s%s: %v, want %v", sort, query, got, want)
			}
		}
	}
	if _, page := trial.Get("/invoicing/?name=nobody", "text/html"); !strings.Contains(page, "No invoice for a customer whose name contains “nobody”") {
		t.Errorf("nobody's invoices: %s", page)
	}
}

const many = 50_000

// fill inserts n invoices: the oldest belong to customer 3, the newest to customer 2, all others to customer 1.
func fill(t *consumertest.Trial, n int) {
	t.Helper()
	for _, sql := range []string{
		fmt.Sprintf(`INSERT INTO invoice SELECT i, now(), 'open', c, (ARRAY['Wolff', 'Johnson', 'Guest'])[c], 'A', 'e', 's', 'z', 'c', 'invoicing-1', 'a', i, i::bigint * 7919 %% 1000003
			FROM generate_series(1, %[1]d) i, LATERAL (SELECT CASE WHEN i <= 60 THEN 3 WHEN i > %[1]d - 300 THEN 2 ELSE 1 END AS c) customer`, n),
		`INSERT INTO invoice_line SELECT id, 1, 1, 1, 'iPod', total FROM invoice`,
		`ANALYZE`,
	} {
		if err := t.DB.Exec(sql).Error; err != nil {
			t.Fatal(err)
		}
	}
}

// Reading a part of the list costs the same wherever it is and however many invoices there are. Postgres counts what is read.
func TestManyInvoicesAreNeverScanned(t *testing.T) {
	trial := consumertest.New(t, invoicing)
	fill(trial, many)
	reads := func(do func(tx *gorm.DB) error) (scans, rows int64) {
		t.Helper()
		err := trial.DB.Transaction(func(tx *gorm.DB) error {
			count := func() (scans, rows int64, err error) {
				err = tx.Raw(`SELECT sum(seq_scan)::bigint, sum(coalesce(seq_tup_read, 0) + coalesce(idx_tup_fetch, 0))::bigint FROM pg_stat_xact_user_tables
					WHERE relname IN ('invoice', 'invoice_line')`).Row().Scan(&scans, &rows)
				return scans, rows, err
			}
			scansBefore, rowsBefore, err := count()
			if err == nil {
				err = do(tx)
			}
			if err == nil {
				scans, rows, err = count()
			}
			scans, rows = scans-scansBefore, rows-rowsBefore
			return err
		})
		if err != nil {
			t.Fatal(err)
		}
		return scans, rows
	}
	for _, sort := range []string{"", list.Oldest, list.Highest, list.Lowest} {
		for _, name := range []string{"", "wolff", "johnson", "guest", "nobody"} {
			for _, behind := range []int64{0, 30, many / 2, many - 30} {
				scans, rows := reads(func(tx *gorm.DB) error {
					_, _, err := invoicing.ReadList(tx, list.Part{Filter: byCustomer, Name: name, Sort: sort, Behind: list.Place{ID: behind}, Limit: 50})
					return err
				})
				if scans != 0 || rows > 1000 {
					t.Errorf("sort %q, name %q, behind %d: %d scans and %d rows read, want none and at most 1000", sort, name, behind, scans, rows)
				}
			}
		}
	}
	if scans, _ := reads(func(tx *gorm.DB) error { return tx.Exec("SELECT count(*) FROM invoice WHERE billing_zip = 'x'").Error }); scans == 0 {
		t.Error("a scan is not counted: this test shows nothing")
	}
}

// BenchmarkPages measures pages with 1,000,000 invoices in the table.
//
//	go test ./invoicing -run - -bench Pages -benchtime 20x
func BenchmarkPages(b *testing.B) {
	trial := consumertest.New(b, invoicing)
	fill(trial, 1_000_000)
	trial.Pages(b, "/invoicing/", "/invoicing/?before=500000", "/invoicing/?sort=highest", "/invoicing/?sort=lowest&after=42.00-500000", "/invoicing/?sort=oldest",
		"/invoicing/?name=guest", "/invoicing/?name=wolff&sort=highest", "/invoicing/?name=nobody", "/invoicing/500000", "/invoicing/state", "/invoicing/overview")
}
