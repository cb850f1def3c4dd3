package postgres_test

import (
	"testing"
	"time"

	"msatom/shared/money"
	"msatom/shared/postgres"
	"msatom/shared/postgres/pgtest"
)

func TestListsArePassedAsArrays(t *testing.T) {
	t.Parallel()
	db := pgtest.Open(t)
	var n int64
	if err := db.Raw("SELECT count(*) FROM generate_series(1, 10) AS g WHERE g = ANY (?)", postgres.Array([]int64{2, 3, 11})).Scan(&n).Error; err != nil || n != 2 {
		t.Errorf("ANY: %d, %v; want 2", n, err)
	}
	if err := db.Raw("SELECT count(*) FROM generate_series(1, 10) AS g WHERE g = ANY (?)", postgres.Array([]int64{})).Scan(&n).Error; err != nil || n != 0 {
		t.Errorf("ANY of an empty list: %d, %v; want 0", n, err)
	}
	if err := db.Exec("CREATE TABLE t (id bigint, name text, price numeric(12, 2), at timestamptz, gone boolean)").Error; err != nil {
		t.Fatal(err)
	}
	var rows postgres.Rows
	at := time.Date(2026, 11, 21, 10, 0, 0, 0, time.UTC)
	rows.Add(int64(1), `a "quoted", {odd} \ name`, money.Amount(123456), at, false)
	rows.Add(int64(2), "", money.Amount(-5), at.Add(time.Microsecond), true)
	if err := db.Exec("INSERT INTO t (id, name, price, at, gone) SELECT * FROM unnest(?::bigint[], ?::text[], ?::numeric[], ?::timestamptz[], ?::boolean[])", rows.Columns()...).Error; err != nil {
		t.Fatal(err)
	}
	var read []struct {
		ID    int64
		Name  string
		Price money.Amount
		At    time.Time
		Gone  bool
	}
	if err := db.Raw("SELECT * FROM t ORDER BY id").Scan(&read).Error; err != nil || len(read) != rows.Len() {
		t.Fatal(read, err)
	}
	if r := read[0]; r.Name != `a "quoted", {odd} \ name` || r.Price != 123456 || !r.At.Equal(at) || r.Gone {
		t.Errorf("first row: %+v", r)
	}
	if r := read[1]; r.Name != "" || r.Price != -5 || !r.At.Equal(at.Add(time.Microsecond)) || !r.Gone {
		t.Errorf("second row: %+v", r)
	}
}
