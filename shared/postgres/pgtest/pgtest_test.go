package pgtest_test

import (
	"testing"
	"testing/fstest"

	"github.com/jackc/pgx/v5"

	"msatom/shared/postgres"
	"msatom/shared/postgres/pgtest"
)

func TestMain(m *testing.M) { pgtest.Main(m) }

// Tests that run at the same time share a template, not a database; what one writes, no other sees.
func TestDatabasePerTest(t *testing.T) {
	t.Parallel()
	migration := postgres.Migration{Name: "thing", Files: fstest.MapFS{
		"0001_thing.sql": {Data: []byte("-- +goose Up\nCREATE TABLE thing AS SELECT gen_random_uuid() AS id;")},
	}}
	urls := make(chan string, 4)
	t.Run("open", func(t *testing.T) {
		for range 4 {
			t.Run("", func(t *testing.T) {
				t.Parallel()
				url := pgtest.URL(t, migration)
				urls <- url
				db := pgtest.At(t, url, migration)
				var n int64
				if err := db.Raw("WITH added AS (INSERT INTO thing DEFAULT VALUES) SELECT count(*) FROM thing").Scan(&n).Error; err != nil || n != 1 {
					t.Errorf("%d rows, %v; want the one of the migration", n, err)
				}
			})
		}
	})
	close(urls)
	for url := range urls {
		if c, err := pgx.Connect(t.Context(), url); err == nil {
			c.Close(t.Context())
			t.Errorf("%s exists after its test", url)
		}
	}
}
