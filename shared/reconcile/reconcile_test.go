package reconcile

import (
	"context"
	"encoding/json"
	"fmt"
	"strings"
	"sync"
	"testing"
	"time"

	"gorm.io/gorm"

	"msatom/shared/follow"
	"msatom/shared/follow/followtest"
	"msatom/shared/postgres"
	"msatom/shared/postgres/pgtest"
)

func TestMain(m *testing.M) { pgtest.Main(m) }

// consumer is an instance whose records have parts: a book for each thing, with a page for each letter of its value.
type consumer struct {
	*Reconciler
	*follow.Follower
	db *postgres.DB
}

func library(t testing.TB, feedURL string) *consumer {
	t.Helper()
	c, _ := libraryAt(t, feedURL)
	return c
}

func libraryAt(t testing.TB, feedURL string) (c *consumer, url string) {
	t.Helper()
	url = pgtest.URL(t)
	c = another(t, url, feedURL)
	c.do(t, `CREATE TABLE book (id bigint PRIMARY KEY, value varchar(20) NOT NULL, instance text, log text, position bigint);
		CREATE TABLE page (book_id bigint REFERENCES book, number int, letter text, PRIMARY KEY (book_id, number))`)
	return c, url
}

// another returns another instance on the same database.
func another(t testing.TB, url, feedURL string) *consumer {
	t.Helper()
	db := pgtest.At(t, url, append(follow.Migrations(), Migration())...)
	f, err := follow.New(db.DB, follow.Config{FeedURL: feedURL, Schedule: "@every 1h", Feed: "thing", Record: "book", Instance: "test", Save: shelve})
	if err != nil {
		t.Fatal(err)
	}
	return &consumer{New(db.DB, f, Table{Name: "book", Subject: "id"}, Table{Name: "page", Subject: "book_id"}), f, db}
}

func (c *consumer) poll(t testing.TB) {
	t.Helper()
	if _, err := c.Poll(context.Background()); err != nil {
		t.Fatal(err)
	}
}

func (c *consumer) count(t testing.TB, sql string) (n int) {
	t.Helper()
	if err := c.db.Raw(sql).Scan(&n).Error; err != nil {
		t.Fatal(err)
	}
	return n
}

func shelve(tx *gorm.DB, entries []follow.Entry) (written []int64, err error) {
	for _, e := range entries {
		var r struct {
			ID    int64
			Value string
		}
		if err := json.Unmarshal(e.Content, &r); err != nil {
			return nil, err
		}
		done := tx.Exec(`INSERT INTO book AS old VALUES (?, ?, ?, ?, ?)
			ON CONFLICT (id) DO UPDATE SET value = excluded.value, log = excluded.log, position = excluded.position
			WHERE old.log <> excluded.log OR old.position < excluded.position`, r.ID, r.Value, fmt.Sprint("at ", time.Now()), e.Log, e.Position)
		if done.Error != nil {
			return nil, done.Error
		}
		if done.RowsAffected == 0 {
			continue
		}
		written = append(written, r.ID)
		if err := tx.Exec("DELETE FROM page WHERE book_id = ?", r.ID).Error; err != nil {
			return nil, err
		}
		if err := tx.Exec("INSERT INTO page SELECT ?, n, substr(?, n, 1) FROM generate_series(1, length(?)) n", r.ID, r.Value, r.Value).Error; err != nil {
			return nil, err
		}
	}
	return written, nil
}

// state is all records and where each row lies: it changes with every write.
func (c *consumer) state(t testing.TB) (s string) {
	t.Helper()
	if err := c.db.Raw(`SELECT (SELECT string_agg(concat(ctid, book), ' ' ORDER BY id) FROM book) ||
		(SELECT string_agg(concat(ctid, page), ' ' ORDER BY book_id, number) FROM page)`).Scan(&s).Error; err != nil {
		t.Fatal(err)
	}
	return s
}

// content is what the records say.
func (c *consumer) content(t testing.TB) (s string) {
	t.Helper()
	if err := c.db.Raw(`SELECT string_agg(concat(id, '=', value, '/', (SELECT string_agg(letter, '' ORDER BY number) FROM page WHERE book_id = id)), ' ' ORDER BY id)
		FROM book`).Scan(&s).Error; err != nil {
		t.Fatal(err)
	}
	return s
}

func (c *consumer) do(t testing.TB, sql string) {
	t.Helper()
	if err := c.db.Exec(sql).Error; err != nil {
		t.Fatal(err)
	}
}

// reconciled compares all records and returns the result.
func (c *consumer) reconciled(t testing.TB) *Reconciliation {
	t.Helper()
	ctx, cancel := context.WithCancel(context.Background())
	var running sync.WaitGroup
	running.Go(func() { c.Reconciler.Run(ctx) })
	defer running.Wait()
	defer cancel()
	if err := c.Start(ctx); err != nil {
		t.Fatal(err)
	}
	return c.untilReconciled(t)
}

func (c *consumer) untilReconciled(t testing.TB) *Reconciliation {
	t.Helper()
	for end := time.Now().Add(2 * time.Minute); ; time.Sleep(time.Millisecond) {
		r, err := c.Latest(context.Background())
		if err != nil {
			t.Fatal(err)
		}
		if r.Finished != nil {
			return r
		}
		if time.Now().After(end) {
			t.Fatalf("not finished: %+v", r)
		}
	}
}

// told returns the gist: "5 compared, 1 repaired: 3 missing".
func (r *Reconciliation) told() string {
	s := fmt.Sprintf("%d compared, %d repaired, %d refused, %d extra:", r.Compared, r.Repaired, r.Refused, r.Extra)
	for _, f := range r.Findings {
		what, _, _ := strings.Cut(f.What, ":")
		s += fmt.Sprintf(" %d %s", f.Subject, what)
	}
	return s + r.Error
}

func TestReconciliation(t *testing.T) {
	t.Parallel()
	s := followtest.New(t)
	s.Happen(t, "made", 1, 5, "ab")
	s.Happen(t, "made", 6, 250, "c")
	s.Happen(t, "changed", 2, 3, "xyz")
	p := library(t, s.URL)
	p.poll(t)
	const right = "1=ab/ab 2=xyz/xyz 3=xyz/xyz 4=ab/ab 5=ab/ab 6=c/c"
	for _, c := range []struct{ name, damage, want string }{
		{"all is right", "", "250 compared, 0 repaired, 0 refused, 0 extra:"},
		{"written by another instance", "UPDATE book SET instance = 'other' WHERE id = 4", "250 compared, 0 repaired, 0 refused, 0 extra:"},
		{"a record deleted", "DELETE FROM page WHERE book_id = 1; DELETE FROM book WHERE id = 1", "250 compared, 1 repaired, 0 refused, 0 extra: 1 missing, repaired"},
		{"a changed one deleted", "DELETE FROM page WHERE book_id = 2; DELETE FROM book WHERE id = 2", "250 compared, 1 repaired, 0 refused, 0 extra: 2 missing, repaired"},
		{"a value altered", "UPDATE book SET value = 'AB' WHERE id = 5", "250 compared, 1 repaired, 0 refused, 0 extra: 5 different, repaired"},
		{"a part missing", "DELETE FROM page WHERE book_id = 3 AND number = 2", "250 compared, 1 repaired, 0 refused, 0 extra: 3 different, repaired"},
		{"a part too many", "INSERT INTO page VALUES (6, 2, 'd')", "250 compared, 1 repaired, 0 refused, 0 extra: 6 different, repaired"},
		{"as it was before its change", "UPDATE book SET value = 'ab', position = 2 WHERE id = 2", "250 compared, 1 repaired, 0 refused, 0 extra: 2 different, repaired"},
		{"a record too many", "INSERT INTO book SELECT 999, 'x', '', log, 5 FROM book WHERE id = 1", "250 compared, 0 repaired, 0 refused, 1 extra: 999 not in the feed"},
		{"and all is right again", "", "250 compared, 0 repaired, 0 refused, 0 extra:"},
		{"several", "UPDATE book SET value = 'AB' WHERE id = 5; DELETE FROM page WHERE book_id = 1; INSERT INTO book VALUES (0, 'x', '', 'none', 5)",
			"250 compared, 2 repaired, 0 refused, 1 extra: 1 different, repaired 5 different, repaired 0 not in the feed"},
	} {
		t.Run(c.name, func(t *testing.T) {
			if c.damage != "" {
				p.do(t, c.damage)
			}
			before := p.state(t)
			r := p.reconciled(t)
			if r.told() != c.want {
				t.Errorf("%s\nwant %s", r.told(), c.want)
			}
			if r.Documents != 2 || r.Head != 252 || r.Position != 0 {
				t.Errorf("%d documents, from %d to %d", r.Documents, r.Head, r.Position)
			}
			if r.Repaired == 0 && p.state(t) != before {
				t.Error("rows were written though none was to be repaired")
			}
			if got := strings.TrimPrefix(p.content(t), "0=x/ "); !strings.HasPrefix(got, right) {
				t.Errorf("afterwards %.80s", got)
			}
			if n := p.count(t, "SELECT count(*) FROM reconciliation_met"); n != 0 {
				t.Errorf("%d subjects left behind", n)
			}
			p.do(t, "DELETE FROM book WHERE id IN (0, 999)") // what a person decides
		})
	}
}

// A record that cannot be saved does not stop the comparison.
func TestReconciliationOfRefusedRecords(t *testing.T) {
	t.Parallel()
	s := followtest.New(t)
	s.Happen(t, "made", 1, 3, "ab")
	s.Happen(t, "made", 4, 4, "longer than the twenty characters of the column")
	c := library(t, s.URL)
	c.poll(t)
	c.do(t, "UPDATE book SET value = 'x' WHERE id = 3")
	if r := c.reconciled(t); r.told() != "4 compared, 1 repaired, 1 refused, 0 extra: 3 different, repaired 4 cannot be saved" {
		t.Error(r.told())
	}
	if got := c.content(t); got != "1=ab/ab 2=ab/ab 3=ab/ab" {
		t.Error(got)
	}
}

// While one instance compares, both process new entries.
func TestReconciliationDuringPolls(t *testing.T) {
	t.Parallel()
	s := followtest.New(t)
	s.Happen(t, "made", 1, 500, "ab")
	one, url := libraryAt(t, s.URL)
	one.poll(t)
	one.do(t, "UPDATE book SET value = 'x' WHERE id % 100 = 0")
	two := another(t, url, s.URL)
	stop := make(chan struct{})
	var polling sync.WaitGroup
	for _, c := range []*consumer{one, two} {
		polling.Go(func() {
			for {
				if _, err := c.Poll(context.Background()); err != nil {
					t.Error(err)
				}
				select {
				case <-stop:
					return
				default:
				}
			}
		})
	}
	polling.Go(func() {
		for i := range 20 {
			s.Happen(t, "made", 501+i*10, 510+i*10, "new")
			s.Happen(t, "changed", 1+i*20, 5+i*20, "new")
		}
		close(stop)
	})
	r := one.reconciled(t)
	polling.Wait()
	one.poll(t)
	if r.Extra != 0 || r.Refused != 0 || r.Error != "" || r.Repaired > 5 {
		t.Errorf("while things happened: %s", r.told())
	}
	if r := two.reconciled(t); r.told() != "700 compared, 0 repaired, 0 refused, 0 extra:" {
		t.Errorf("afterwards: %s", r.told())
	}
}

// A comparison without progress for long is abandoned: its instance was killed.
func TestOneComparisonAtATime(t *testing.T) {
	t.Parallel()
	s := followtest.New(t)
	c := library(t, s.URL)
	if err := c.Start(context.Background()); err == nil {
		t.Error("compared before anything was processed")
	}
	s.Happen(t, "made", 1, 3, "ab")
	c.poll(t)
	if err := c.Start(context.Background()); err != nil { // and then its instance is killed
		t.Fatal(err)
	}
	<-c.start
	if err := c.Start(context.Background()); err == nil {
		t.Error("two at a time")
	}
	c.do(t, "UPDATE reconciliation SET seen = seen - interval '1 minute'")
	if r := c.reconciled(t); r.told() != "3 compared, 0 repaired, 0 refused, 0 extra:" || !r.IsClean() {
		t.Error(r.told())
	}
}
