package main

import (
	"fmt"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"time"
)

// A design is a folder in tools/proof/naive with a program that takes the place of one service: of order if it calls
// naive.Publish, of invoicing if it calls naive.Consume. `make proof DESIGN=name` puts it on trial.

const designs = "tools/proof/naive"

// lessons are the faults that bring out the mistake of each naive design. Every other design meets the faults in soundFaults.
var lessons = map[string][]Kind{
	"timecursor":      {},
	"checktheninsert": {Lock},
	"cursoroutside":   {LockKill},
	"bigserial":       {LockFreeze},
	"onesecond":       {},
}

// soundFaults are what a small design without a mistake survives.
var soundFaults = []Kind{LockFreeze, Kill, Freeze, Restart, LinkCut, LinkDelay, Lock, LockKill, PostgresKill}

// design returns msatom with the named design in it. The error says what is missing.
func design(root, name string) (Subject, error) {
	service, err := replacedBy(root, name)
	if err != nil {
		return Subject{}, err
	}
	faults, isLesson := lessons[name]
	patience := 2 * time.Second // what a lesson loses does not come later
	if !isLesson {
		faults, patience = soundFaults, 20*time.Second
	}
	s := msatom()
	s.Name, s.Replace = name, map[string]string{service: designs + "/" + name}
	s.Faults, s.Disturbed, s.Patience = faults, []string{service}, patience
	s.Consumers, s.Deliveries = []Consumer{naiveConsumer}, false
	if service == "order" {
		s.Replace["invoicing"] = designs + "/sound"
		s.Instances = map[string]int{"order": 2, "invoicing": 1} // of several consumers, one may happen to see what another misses
		s.Changes, s.Archive = false, nil
		s.Head = `SELECT coalesce(max(id), 0), 0 FROM "order".orders`
		s.Orders = `SELECT id, snapshot FROM "order".orders`
		s.Events = `SELECT id, id, snapshot, pg_xact_commit_timestamp(xmin), id::text FROM "order".orders ORDER BY orders.id`
	}
	return s, nil
}

// naiveConsumer describes the table of package naive.
var naiveConsumer = Consumer{
	Name: "invoicing", Record: "invoice", Billing: true, Table: "invoicing.invoice",
	Records: `SELECT id, json_build_object('void', coalesce(snapshot->>'status' = 'cancelled', false),
		'customer', snapshot->'customer', 'address', snapshot->'billingAddress', 'lines', snapshot->'orderLine') FROM invoicing.invoice`,
	Cursor: `SELECT max(position) FROM invoicing.invoice`,
}

var designName = regexp.MustCompile(`^[a-z][a-z0-9]*$`)

// replacedBy returns the service whose place a design takes.
func replacedBy(root, name string) (service string, err error) {
	if !designName.MatchString(name) {
		return "", fmt.Errorf("the name of a design consists of lower-case letters and digits")
	}
	folder := designs + "/" + name
	if _, err := os.Stat(filepath.Join(root, folder)); err != nil {
		return "", fmt.Errorf("there is no folder %s; the designs are %s", folder, strings.Join(designNames(root), ", "))
	}
	program, err := os.ReadFile(filepath.Join(root, folder, "main.go"))
	if err != nil {
		return "", fmt.Errorf("%s needs a program in main.go: %w", folder, err)
	}
	switch {
	case strings.Contains(string(program), "naive.Publish("):
		return "order", nil
	case strings.Contains(string(program), "naive.Consume("):
		return "invoicing", nil
	}
	return "", fmt.Errorf("%s/main.go must call naive.Consume, to take the place of invoicing, or naive.Publish, to take the place of order", folder)
}

func designNames(root string) (names []string) {
	programs, _ := filepath.Glob(filepath.Join(root, designs, "*", "main.go"))
	for _, program := range programs {
		names = append(names, filepath.Base(filepath.Dir(program)))
	}
	return names
}
