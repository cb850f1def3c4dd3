package postgres_test

import (
	"context"
	"testing"
	"time"

	"gorm.io/gorm"

	"msatom/shared/postgres"
	"msatom/shared/postgres/pgtest"
)

// A migration waits for a long transaction of an older instance. Requests for the same table do not wait as long.
func TestMigrationGivesWay(t *testing.T) {
	t.Parallel()
	url := pgtest.URL(t)
	older := open(t, url)
	if err := older.Exec("CREATE TABLE thing (name text)").Error; err != nil {
		t.Fatal(err)
	}
	var migrated <-chan struct{}
	err := older.Transaction(func(long *gorm.DB) error {
		if err := long.Exec("SELECT FROM thing").Error; err != nil {
			return err
		}
		migrated = watch(t, open(t, url), []postgres.Migration{migration("one", "ALTER TABLE thing ADD COLUMN kind text;")})
		for waiting := false; !waiting; time.Sleep(time.Millisecond) {
			err := older.Raw("SELECT EXISTS (SELECT FROM pg_locks WHERE relation = 'thing'::regclass AND NOT granted)").Scan(&waiting).Error
			if err != nil {
				return err
			}
		}
		ctx, cancel := context.WithTimeout(t.Context(), 30*time.Second)
		defer cancel()
		return older.WithContext(ctx).Exec("SELECT FROM thing").Error
	})
	if err != nil {
		t.Fatal(err)
	}
	wait(t, migrated)
}

// Another role of the database can hold the lock for which migrations queue. It delays them.
func TestMigrationWithoutItsTurn(t *testing.T) {
	t.Parallel()
	url := pgtest.URL(t)
	neighbour := open(t, url)
	err := neighbour.Transaction(func(tx *gorm.DB) error {
		if err := tx.Exec("SELECT pg_advisory_xact_lock(hashtextextended('msatom migrate ' || current_schema(), 0))").Error; err != nil {
			return err
		}
		wait(t, watch(t, open(t, url), []postgres.Migration{migration("one", "CREATE TABLE thing (name text);")}))
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
}
