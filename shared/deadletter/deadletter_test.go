package deadletter

import (
	"errors"
	"strings"
	"testing"
	"time"
	"unicode/utf8"

	"gorm.io/gorm"

	"msatom/shared/postgres/pgtest"
)

func TestMain(m *testing.M) { pgtest.Main(m) }

// Postgres stores the text of any error.
func TestErrorText(t *testing.T) {
	t.Parallel()
	db := pgtest.Open(t, Migration())
	box := New(db.DB, "thing", time.Now)
	for i, text := range []string{"short", strings.Repeat("ä", 700), strings.Repeat("a", 999) + "ä", "a\xff\x00b", strings.Repeat("\xff", 3000), strings.Repeat("x", 998) + "\U0001F600"} {
		got := ErrorText(errors.New(text))
		if !utf8.ValidString(got) || len(got) > maxError || len(text) < 1000 && utf8.ValidString(text) && got != text {
			t.Errorf("%.20q...: %d bytes, %q", text, len(got), got[max(0, len(got)-10):])
		}
		if err := db.Transaction(func(tx *gorm.DB) error {
			return box.Park(tx, Letter{EntryID: "e", Position: int64(i)}, errors.New(text))
		}); err != nil {
			t.Errorf("%.20q...: %v", text, err)
		}
	}
}

// A letter stays, with a growing backoff, until an attempt succeeds; a failure of the surroundings changes nothing.
func TestRetry(t *testing.T) {
	t.Parallel()
	db := pgtest.Open(t, Migration())
	now := time.Now().UTC().Truncate(time.Second)
	box := New(db.DB, "thing", func() time.Time { return now })
	if err := db.Transaction(func(tx *gorm.DB) error {
		return box.Park(tx, Letter{EntryID: "e1", Position: 1, Subject: 7}, errors.New("no"))
	}); err != nil {
		t.Fatal(err)
	}
	if due, err := box.Due(t.Context()); err != nil || len(due) != 0 {
		t.Errorf("due at once: %v, %v", due, err)
	}
	attempt := func(refused, failed error) Letter {
		t.Helper()
		due, err := box.Due(t.Context())
		if err != nil || len(due) != 1 {
			t.Fatalf("due: %v, %v", due, err)
		}
		if err := box.Retry(t.Context(), due[0], func(*gorm.DB) (error, error) { return refused, failed }); !errors.Is(err, failed) {
			t.Errorf("%v, want %v", err, failed)
		}
		list, _, err := box.List(t.Context())
		if err != nil || len(list) == 0 {
			return Letter{}
		}
		return list[0]
	}
	for attempts, pause := range map[int]time.Duration{1: 30 * time.Second, 2: time.Minute, 3: 2 * time.Minute, 100: time.Hour} {
		if got := backoff(attempts); got != pause {
			t.Errorf("after %d attempts: %v, want %v", attempts, got, pause)
		}
	}
	now = now.Add(30 * time.Second)
	if l := attempt(nil, errors.New("connection broke")); l.Attempts != 1 {
		t.Errorf("after a failure of the surroundings: %+v", l)
	}
	if l := attempt(errors.New("still no"), nil); l.Attempts != 2 || l.Error != "still no" || !l.NextTry.Equal(now.Add(time.Minute)) {
		t.Errorf("refused again: %+v", l)
	}
	now = now.Add(time.Minute)
	if l := attempt(nil, nil); l.ID != 0 {
		t.Errorf("after a success: %+v", l)
	}
	if err := box.Skip(t.Context(), 1); err == nil {
		t.Error("a letter that does not exist was skipped")
	}
}
