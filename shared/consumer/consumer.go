// Package consumer makes a service of one function: what becomes of a record that another service publishes.
//
// The service follows the other's feed, keeps one record of its own for each of theirs, publishes in a feed of its own what it
// has done, and shows its records as pages and JSON. A whole service is
//
//	var invoicing = consumer.Service[order, *Invoice]{
//		Name: "invoicing", Feed: "order", Record: "invoice", Title: "Invoices", Files: files, Make: invoice,
//	}
//
//	func main() { invoicing.Main() }
//
// where order is what it needs to know of an order, Invoice is a row of its table, and invoice makes one from the other. The
// smallest whole one, which `make service` copies, is shared/consumer/skeleton; package consumertest tests one.
//
// It promises: each record is written once, however often its entry is read, by however many instances; a newer event is
// never overwritten by an older one; an entry of which Make cannot make anything is parked, and the others go on; what was
// written and that it was published are one transaction. A service that needs something else is put together, as here, from
// packages service (the life of the program), poll (follow a feed), feed (publish one) and web (answer).
package consumer

import (
	"context"
	"fmt"
	"io/fs"
	"slices"

	jsonv1 "github.com/go-json-experiment/json/v1"
	"gorm.io/gorm"

	"msatom/shared/feed"
	"msatom/shared/feed/feedweb"
	"msatom/shared/list"
	"msatom/shared/page"
	"msatom/shared/poll"
	"msatom/shared/poll/pollweb"
	"msatom/shared/postgres"
	"msatom/shared/service"
	"msatom/shared/web"
)

// Service is a service that keeps a record R, a pointer to a struct that embeds Record, for each S that it reads in a feed.
type Service[S any, R Recorder] struct {
	Name   string // of the service: all its addresses are below /Name/, all its tables in the schema Name
	Feed   string // what it follows, in the singular: "order"
	Record string // what it keeps, in the singular: "invoice"; also the name of the page that shows one
	Title  string // of its feed and of its list: "Invoices"

	// Files has migrations/*.sql, which make the records' table and are goose's; pages/list.html, whose .Data is a Listing; and
	// pages/<Record>.html, whose .Data is an R. What pages can use says page.New.
	Files fs.FS

	// Make says what becomes of an S. Of the Record in it, it sets the Status; the rest is filled in. It is asked again whenever
	// the S changes, and must give the same for the same. An error parks the entry: it is shown beside it on the page.
	Make func(S) (R, error)

	// Offer says whether the list can be sorted by amount and filtered by customer; package list says what the table needs for that.
	Offer list.Offer

	// List reads what the list shows: a part, and the last one's id if there is more behind it. List[R] if it is nil.
	List func(db *gorm.DB, part list.Part) (rows any, next int64, err error)
}

// Main runs the service until SIGINT or SIGTERM and ends the process. Its settings are those of service.Config and poll.Source.
func (c Service[S, R]) Main() {
	var source poll.Source
	service.Main(c.Name, &source, func(s *service.Service) error { return c.Wire(s, source) })
}

// Wire puts the service together: its migrations, its work in the background, and what answers requests.
func (c Service[S, R]) Wire(s *service.Service, source poll.Source) error {
	pages := page.New(s.Name, s.Instance, c.Files).Among(s.Services)
	log := c.Log(s.DB, pages)
	log.MaxAge = s.FeedMaxAge
	records, err := tables[R](s.DB.DB)
	if err != nil {
		return err
	}
	poller, err := poll.New(s.DB.DB, poll.Config{Source: source, Feed: c.Feed, Record: c.Record, Instance: s.Instance, Records: records, Wrote: log.Soon, Now: s.Now}, c.Handler(log, s.Instance))
	if err != nil {
		return err
	}
	s.Migrations = c.Migrations()
	s.Background = append(s.Background, log.Run, poller.Run)

	e := web.New(web.Options{Service: s.Name, Instance: s.Instance, Pages: pages, Ready: s.DB.Ready, Detail: poller.Detail})
	c.routes(e, s.DB.DB, pollweb.New(e, s.Name, poller))
	feedweb.New(e, log)
	s.Handler = e
	return nil
}

// Migrations make the tables of the service: a cursor, a log, and its own.
func (c Service[S, R]) Migrations() []postgres.Migration {
	return []postgres.Migration{poll.Migration(), feed.Migration(), postgres.Files(c.Name, c.Files)}
}

// Log is what the service has done, as a feed of its own: each entry answers the entry that it is from. So anybody can see
// what has arrived here, the publisher too (the acknowledgement feeds of Reliable Data Distribution over Atom).
func (c Service[S, R]) Log(db *postgres.DB, pages *page.Set) *feed.Log {
	return feed.NewLog(db, feed.About{
		Name: c.Name, Path: "/" + c.Name + "/feed", Home: "/" + c.Name + "/",
		Title: c.Title, Subtitle: c.Title + ", by " + c.Feed, Author: "Big Money Online Commerce Inc.", Pages: pages,
		Describe: func(e feed.Entry) (title, summary, path string) {
			return fmt.Sprintf("%s %d %s", page.Title(c.Record), e.Subject, e.Kind), fmt.Sprintf("The %s for %s %d is %s", c.Record, c.Feed, e.Subject, e.Kind),
				fmt.Sprintf("/%s/%d", c.Name, e.Subject)
		},
	})
}

// Handler writes the records that Make makes of entries, and into log that it did, in the poller's transaction.
func (c Service[S, R]) Handler(log *feed.Log, instance string) poll.Handler {
	return func(ctx context.Context, tx *gorm.DB, entries []poll.Entry) (written []int64, err error) {
		records := make([]R, len(entries))
		for i, e := range entries {
			if records[i], err = c.read(e); err != nil {
				return nil, fmt.Errorf("no %s can be made of this: %w", c.Record, err)
			}
			r := records[i].record()
			*r = Record{ID: e.Subject, Updated: e.Updated, Status: r.Status, Instance: instance, Log: e.Epoch, Position: e.Position}
		}
		tx = tx.WithContext(ctx)
		if written, err = write(ctx, tx, records); err != nil {
			return nil, err
		}
		var done []feed.Event
		for i, r := range records {
			if !slices.Contains(written, r.record().ID) {
				continue
			}
			e, err := r.record().acknowledge(entries[i].ID)
			if err != nil {
				return nil, err
			}
			done = append(done, e)
		}
		return written, log.Append(tx, done...)
	}
}

func (c Service[S, R]) read(e poll.Entry) (r R, err error) {
	if e.Subject < 1 {
		return r, fmt.Errorf("its id is %d", e.Subject)
	}
	var subject S
	if err := jsonv1.Unmarshal(e.Content, &subject); err != nil {
		return r, err
	}
	return c.Make(subject)
}
