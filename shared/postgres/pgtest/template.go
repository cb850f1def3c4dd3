package pgtest

import (
	"fmt"
	"sync"
	"time"

	"msatom/shared/postgres"
)

// This file holds the templates: databases that are migrated once and cloned for each test, because cloning is faster than
// migrating.

var templates sync.Map // by the names of their migrations: func() (name string, err error)

// templateOf returns the name of a database that has the migrations. The first caller creates it.
func templateOf(migrations []postgres.Migration) (string, error) {
	key := ""
	for _, m := range migrations {
		key += m.Name + " "
	}
	create, _ := templates.LoadOrStore(key, sync.OnceValues(func() (string, error) {
		name := newName("template")
		if err := clone(name, "template1"); err != nil {
			return "", err
		}
		db, err := open(server+name, migrations)
		if err != nil {
			return "", err
		}
		return name, db.Pool.Close()
	}))
	return create.(func() (string, error))()
}

// clone creates a database. Postgres refuses that while a session, also one of autovacuum, still uses the template.
func clone(name, template string) error {
	return unused(func() error { return execute(server, fmt.Sprintf("CREATE DATABASE %s TEMPLATE %s", name, template)) })
}

// unused repeats do for up to a minute while a database is in use: Postgres itself waits for five seconds.
func unused(do func() error) error {
	const objectInUse = "55006"
	for end := time.Now().Add(time.Minute); ; time.Sleep(50 * time.Millisecond) {
		err := do()
		if postgres.Code(err) != objectInUse || time.Now().After(end) {
			return err
		}
	}
}
