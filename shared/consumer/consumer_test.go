package consumer

import (
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"slices"
	"strings"
	"testing"
	"testing/fstest"
	"time"

	"github.com/google/go-cmp/cmp"
	"gorm.io/gorm"

	"msatom/shared/follow"
	"msatom/shared/outbox"
	"msatom/shared/postgres"
	"msatom/shared/postgres/pgtest"
	"msatom/shared/reconcile"
	"msatom/shared/service"
)

func TestMain(m *testing.M) { pgtest.Main(m) }

// recipe is what is published; Meal is what the service of these tests keeps of it.
type recipe struct {
	Title string  `json:"title"`
	Gone  bool    `json:"gone"`
	Maker Maker   `json:"maker"`
	Parts []Dough `json:"parts"`
}

type Meal struct {
	Record
	Title string `json:"title"`
	Maker Maker  `json:"maker" gorm:"embedded;embeddedPrefix:maker_"`
	Parts []Dough
}

type Maker struct {
	ID   int64
	Name string
}

type Dough struct {
	MealID int64 `json:"-" gorm:"primaryKey"`
	Number int   `json:"-" gorm:"primaryKey"`
	Flour  string
}

func (Meal) TableName() string  { return "meal" }
func (Dough) TableName() string { return "meal_dough" }

const migration = `-- +goose Up
CREATE TABLE meal (id bigint PRIMARY KEY, updated timestamptz NOT NULL, status text NOT NULL, instance text NOT NULL, log text NOT NULL,
	position bigint NOT NULL, title text NOT NULL, maker_id bigint NOT NULL, maker_name text NOT NULL);
CREATE TABLE meal_dough (meal_id bigint NOT NULL REFERENCES meal, number int NOT NULL, flour text NOT NULL, PRIMARY KEY (meal_id, number));
`

var kitchen = Service[recipe, *Meal]{
	Name: "kitchen", Feed: "recipe", Record: "meal", Title: "Meals", Save: saveMeals,
	Tables: []reconcile.Table{{Name: "meal", Subject: "id"}, {Name: "meal_dough", Subject: "meal_id"}},
	Preload: func(db *gorm.DB) *gorm.DB {
		return db.Preload("Parts", func(db *gorm.DB) *gorm.DB { return db.Order("meal_id, number") })
	},
	Files: fstest.MapFS{
		"migrations/0001_meals.sql": {Data: []byte(migration)},
		"pages/list.html":           {Data: []byte(`{{define "main"}}{{range .Data.Records}}{{.Title}}, {{end}}{{template "paging" .Data.Page}}{{end}}`)},
		"pages/meal.html":           {Data: []byte(`{{define "main"}}{{.Data.Title}} by {{.Data.Maker.Name}}{{end}}`)},
	},
	Make: func(r recipe) (*Meal, error) {
		if r.Title == "" {
			return nil, errors.New("it has no title")
		}
		m := &Meal{Title: r.Title, Maker: r.Maker, Parts: r.Parts}
		m.Status = "warm"
		if r.Gone {
			m.Status = "eaten"
		}
		return m, nil
	},
}

// saveMeals saves one meal after the other.
func saveMeals(tx *gorm.DB, meals []*Meal) (saved []int64, err error) {
	for _, m := range meals {
		done := tx.Exec(`INSERT INTO meal AS old (id, updated, status, instance, log, position, title, maker_id, maker_name) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?)
			ON CONFLICT (id) DO UPDATE SET updated = excluded.updated, status = excluded.status, log = excluded.log, position = excluded.position,
				title = excluded.title, maker_id = excluded.maker_id, maker_name = excluded.maker_name
			WHERE old.log <> excluded.log OR old.position < excluded.position`, m.ID, m.Updated, m.Status, m.Instance, m.Log, m.Position, m.Title, m.Maker.ID, m.Maker.Name)
		if done.Error == nil && done.RowsAffected == 0 {
			continue
		}
		err := done.Error
		if err == nil {
			err = tx.Exec("DELETE FROM meal_dough WHERE meal_id = ?", m.ID).Error
		}
		for n, d := range m.Parts {
			if err == nil {
				err = tx.Exec("INSERT INTO meal_dough (meal_id, number, flour) VALUES (?, ?, ?)", m.ID, n+1, d.Flour).Error
			}
		}
		if err != nil {
			return nil, err
		}
		saved = append(saved, m.ID)
	}
	return saved, nil
}

func entry(log string, position, subject int64, content string) follow.Entry {
	return follow.Entry{ID: fmt.Sprint("entry ", position), Log: log, Position: position, Subject: subject,
		Updated: time.Unix(position, 0), Content: json.RawMessage(content)}
}

// apply saves and acknowledges entries in one transaction, as a follower does.
func apply(db *postgres.DB, entries ...follow.Entry) (saved []int64, err error) {
	cfg := kitchen.FollowConfig(outbox.New(db), "kitchen-1", Settings{})
	err = db.Transaction(func(tx *gorm.DB) error {
		if saved, err = cfg.Save(tx, entries); err != nil {
			return err
		}
		return cfg.Acknowledge(tx, slices.DeleteFunc(slices.Clone(entries), func(e follow.Entry) bool { return !slices.Contains(saved, e.Subject) }))
	})
	return saved, err
}

func kept(t *testing.T, db *postgres.DB, id int64) string {
	t.Helper()
	m, err := kitchen.Get(db.DB, id)
	if err != nil {
		t.Fatal(err)
	}
	b, err := json.Marshal(m)
	if err != nil {
		t.Fatal(err)
	}
	return string(b)
}

// Records are saved with the rows that belong to them, several at once; only the newest version of each stays.
func TestRecordsAndTheirRows(t *testing.T) {
	t.Parallel()
	db := pgtest.Open(t, kitchen.Migrations()...)
	meal := func(id, position int64, title string, flours string) string {
		return fmt.Sprintf(`{"id":%d,"updated":%q,"status":"warm","instance":"kitchen-1","title":%q,"maker":{"ID":7,"Name":"A \"B\" C"},"Parts":%s}`,
			id, time.Unix(position, 0).UTC().Format(time.RFC3339), title, flours)
	}
	recipe := func(title string, flours string) string {
		return fmt.Sprintf(`{"title":%q,"maker":{"ID":7,"Name":"A \"B\" C"},"parts":%s}`, title, flours)
	}
	two, one := `[{"Flour":"rye"},{"Flour":"oat"}]`, `[{"Flour":"oat"}]`
	for _, step := range []struct {
		entries []follow.Entry
		written []int64
		want    map[int64]string
	}{
		{[]follow.Entry{entry("a", 1, 1, recipe("Bread", two)), entry("a", 2, 2, recipe("Soup", `[]`))}, []int64{1, 2},
			map[int64]string{1: meal(1, 1, "Bread", two), 2: meal(2, 2, "Soup", `[]`)}},
		{[]follow.Entry{entry("a", 3, 2, recipe("Soup", one)), entry("a", 1, 1, recipe("Cake", one))}, []int64{2},
			map[int64]string{1: meal(1, 1, "Bread", two), 2: meal(2, 3, "Soup", one)}},
		{[]follow.Entry{entry("a", 4, 1, recipe("Toast", one))}, []int64{1}, map[int64]string{1: meal(1, 4, "Toast", one)}},
		{[]follow.Entry{entry("b", 1, 1, recipe("Roll", `[]`))}, []int64{1}, map[int64]string{1: meal(1, 1, "Roll", `[]`), 2: meal(2, 3, "Soup", one)}},
	} {
		written, err := apply(db, step.entries...)
		if err != nil {
			t.Fatal(err)
		}
		if diff := cmp.Diff(step.written, written); diff != "" {
			t.Errorf("written (-want +got):\n%s", diff)
		}
		for id, want := range step.want {
			if diff := cmp.Diff(want, kept(t, db, id)); diff != "" {
				t.Errorf("meal %d (-want +got):\n%s", id, diff)
			}
		}
	}
	var answers []string
	db.Raw("SELECT subject || ' ' || kind || ' answers ' || reply_to FROM outbox_event ORDER BY id").Scan(&answers)
	want := []string{"1 warm answers entry 1", "2 warm answers entry 2", "2 warm answers entry 3", "1 warm answers entry 4", "1 warm answers entry 1"}
	if diff := cmp.Diff(want, answers); diff != "" {
		t.Errorf("acknowledged (-want +got):\n%s", diff)
	}
}

// An entry of which no record can be made is refused together with the others of its batch, which the follower then bisects.
func TestInvalidSubjectIsRefused(t *testing.T) {
	t.Parallel()
	db := pgtest.Open(t, kitchen.Migrations()...)
	good := `{"title":"Bread"}`
	for content, want := range map[string]string{
		`<html>`:             "no meal can be created: the recipe cannot be read: invalid character",
		`{}`:                 "it has no title",
		`{"title":1}`:        "cannot unmarshal number",
		`{"title":"\u0000"}`: "invalid byte sequence",
	} {
		if _, err := apply(db, entry("a", 1, 1, good), entry("a", 2, 2, content)); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%s: %v, want %q", content, err, want)
		}
	}
	if _, err := apply(db, entry("a", 1, 0, good)); err == nil || !strings.Contains(err.Error(), "the id of the recipe is 0") {
		t.Errorf("without an id: %v", err)
	}
	var n int64
	if err := db.Raw("SELECT (SELECT count(*) FROM meal) + (SELECT count(*) FROM outbox_event)").Scan(&n).Error; err != nil || n != 0 {
		t.Errorf("%d rows written, %v", n, err)
	}
}

// The pages and JSON of a service.
func TestAddresses(t *testing.T) {
	t.Parallel()
	db := pgtest.Open(t, kitchen.Migrations()...)
	s := &service.Service{Name: "kitchen", DB: db}
	s.Instance = "kitchen-1"
	if err := kitchen.Wire(s, Settings{FeedURL: "http://localhost:1/feed", Schedule: "@every 1h"}); err != nil {
		t.Fatal(err)
	}
	server := httptest.NewServer(s.Handler)
	defer server.Close()
	ask := func(path, accept string) string {
		t.Helper()
		r, err := http.NewRequest("GET", server.URL+path, nil)
		if err != nil {
			t.Fatal(err)
		}
		r.Header.Set("Accept", accept)
		res, err := http.DefaultClient.Do(r)
		if err != nil {
			t.Fatal(err)
		}
		defer res.Body.Close()
		b, err := io.ReadAll(res.Body)
		if err != nil {
			t.Fatal(err)
		}
		body := string(b)
		if _, main, ok := strings.Cut(body, `<main id="main">`); ok {
			body, _, _ = strings.Cut(main, "</main>")
		}
		return fmt.Sprintf("%d %s", res.StatusCode, strings.TrimSpace(body))
	}
	if got := ask("/kitchen/", "application/json"); got != "200 []" {
		t.Errorf("an empty list: %s", got)
	}
	for i := range int64(3) {
		if _, err := apply(db, entry("a", i+1, i+1, fmt.Sprintf(`{"title":"Meal %d","maker":{"Name":"Ann"}}`, i+1))); err != nil {
			t.Fatal(err)
		}
	}
	for _, c := range []struct{ path, accept, want string }{
		{"/kitchen/", "text/html", "200 Meal 3, Meal 2, Meal 1,"},
		{"/kitchen/?limit=2", "text/html", `200 Meal 3, Meal 2, <nav class="actions" aria-label="Pages"><a class="button" rel="next" href="/kitchen/?before=2&amp;limit=2">Older</a></nav>`},
		{"/kitchen/?before=2", "text/html", `200 Meal 1, <nav class="actions" aria-label="Pages"><a class="button" href="/kitchen/">Newest</a></nav>`},
		{"/kitchen/1", "text/html", "200 Meal 1 by Ann"},
		{"/kitchen/1", "*/*", `200 {"id":1,"updated":"1970-01-01T00:00:01Z","status":"warm","instance":"kitchen-1","title":"Meal 1","maker":{"ID":0,"Name":"Ann"},"Parts":[]}`},
		{"/kitchen/4", "*/*", `404 {"status":404,"title":"Not Found","detail":"There is no meal for recipe 4. If recipe 4 exists, its meal appears here when kitchen has read the feed."}`},
		{"/kitchen/?limit=0", "*/*", `422 {"status":422,"title":"Some values cannot be accepted","errors":[{"field":"limit","detail":"must be a whole number from 1 to 1000"}]}`},
	} {
		if got := ask(c.path, c.accept); got != c.want {
			t.Errorf("%s as %s:\n%s, want\n%s", c.path, c.accept, got, c.want)
		}
	}
}
