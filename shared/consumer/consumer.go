// Package consumer puts a service together that follows another service's feed, keeps a record of its own for each record
// there, publishes what it has done in an acknowledgement feed, and shows its records as pages and JSON.
//
// A service says what a record is, how it is made from the other service's, and how records are saved; see invoicing/consumer.go.
// The smallest whole one, which `make service` copies, is tools/newservice/skeleton. Package consumertest tests a service.
//
// It promises: each record is saved once, however often its entry is read and by however many instances; an older event never
// overwrites a newer one, provided that Save keeps to what its comment says; an entry of which Make can make nothing becomes a
// dead letter, and the others go on; saving records and publishing that is one transaction.
//
// What belongs here: wiring, acknowledgements, the list and record pages. What does not: following a feed (package follow), the
// state of the consumer (consumerstatus), anything that a particular service knows.
package consumer

import (
	"encoding/json"
	"fmt"
	"io/fs"
	"strings"
	"time"

	"gorm.io/gorm"

	"msatom/shared/consumerstatus"
	"msatom/shared/feed"
	"msatom/shared/follow"
	"msatom/shared/list"
	"msatom/shared/outbox"
	"msatom/shared/page"
	"msatom/shared/postgres"
	"msatom/shared/reconcile"
	"msatom/shared/service"
	"msatom/shared/web"
)

// Service keeps a record R, a pointer to a struct that embeds Record, for each S that it reads in a feed.
type Service[S any, R Recorder] struct {
	Name   string // of the service: all its addresses are below /Name/, all its tables in the schema Name
	Feed   string // the service that it follows; a record there is called the same: "order"
	Record string // what it keeps, in the singular: "invoice"; also the name of the page that shows one
	Title  string // of its feed and of its list: "Invoices"
	Author string // of its feed

	// Files has migrations/*.sql for goose, which create the tables; pages/list.html, whose .Data is a Listing; and
	// pages/<Record>.html, whose .Data is an R. page.New says what pages can use.
	Files fs.FS

	// Make makes a record. It sets the Status and the service's own fields. It is called again whenever the S changes, and must
	// give the same for the same. An error makes the entry a dead letter.
	Make func(S) (R, error)
	// Save saves records with different ids in the transaction tx, and returns the ids of those that it wrote. A record that is
	// present from the same or a later position of the same log stays as it is.
	Save func(tx *gorm.DB, records []R) (saved []int64, err error)
	// Tables hold the records, the record's own table first: reconciliation compares their rows with the log.
	Tables []reconcile.Table

	// Preload adds what belongs to a record to a query of records. It may be nil.
	Preload func(db *gorm.DB) *gorm.DB
	// List reads a part of what the list shows; next is the place of its last row if there are more after it, else the zero Place. nil: the
	// records.
	List func(db *gorm.DB, part list.Part) (rows any, next list.Place, err error)
	// Offer says how the list can be sorted and filtered; package list says what the table needs for that.
	Offer list.Offer
}

// Settings are what a consumer reads from its environment, besides service.Config.
type Settings struct {
	FeedURL  string        `env:"FEED_URL"`                              // address of the feed; default: at the service Feed, port 8080
	Login    string        `env:"FEED_LOGIN_FILE,file"`                  // of a file with user:password for the feed; default: none
	Format   string        `env:"FEED_FORMAT" envDefault:"atom"`         // atom or json
	Schedule string        `env:"POLL_SCHEDULE" envDefault:"@every 30s"` // as robfig/cron reads it
	Wait     time.Duration `env:"POLL_WAIT" envDefault:"0s"`             // how long the feed may hold a request until there is news; 0: not at all
}

var settingNames = follow.Names{FeedURL: "FEED_URL", Format: "FEED_FORMAT", Schedule: "POLL_SCHEDULE", Wait: "POLL_WAIT"}

// Main runs the service until SIGINT or SIGTERM and ends the process.
func (c Service[S, R]) Main() {
	var settings Settings
	service.Main(c.Name, &settings, func(s *service.Service) error { return c.Wire(s, settings) })
}

// Wire puts the service together: its migrations, its work in the background, and its addresses.
func (c Service[S, R]) Wire(s *service.Service, settings Settings) error {
	pages := page.New(s.Name, s.Instance, c.Files, consumerstatus.Pages, feed.Page).Among(s.Services).Follows(c.Feed)
	log := outbox.New(s.DB)
	about := c.About(pages)
	about.MaxAge, about.Origins = s.FeedMaxAge, s.FeedOrigins
	cfg := c.FollowConfig(log, s.Instance, settings)
	cfg.Now, cfg.Committed = s.Now, log.Notify
	follower, err := follow.New(s.DB.DB, cfg)
	if err != nil {
		return err
	}
	reconciler := reconcile.New(s.DB.DB, follower, c.Tables...)
	status := consumerstatus.New(s.Name, s.DB.DB, follower, reconciler)
	s.Migrations = c.Migrations()
	s.Background = append(s.Background, log.Run, follower.Run, reconciler.Run, status.Run)

	e := web.New(web.Options{Service: s.Name, Instance: s.Instance, Pages: pages, Ready: s.DB.Ready, Detail: status.Detail})
	c.routes(e, s.DB.DB, status)
	status.Routes(e)
	feed.New(log, about).Routes(e)
	s.Handler = e
	return nil
}

// Migrations create the tables of the service.
func (c Service[S, R]) Migrations() []postgres.Migration {
	return append(follow.Migrations(), reconcile.Migration(), consumerstatus.Migration(), outbox.Migration(), postgres.Files(c.Name, c.Files))
}

// About describes the acknowledgement feed: what the service has done. Each of its entries replies to the entry that it acknowledges, so
// anyone can see what has arrived, the publisher too (Reliable Data Distribution and Consistent Data Replication over Atom).
func (c Service[S, R]) About(pages *page.Set) feed.About {
	return feed.About{
		Name: c.Name, Path: "/" + c.Name + "/feed", Home: "/" + c.Name + "/",
		Title: c.Title, Subtitle: fmt.Sprintf("What %s has done with the entries of the %s feed", c.Name, c.Feed), Author: c.Author, Pages: pages,
		Describe: func(e outbox.Entry) (title, summary, path string) {
			return fmt.Sprintf("%s %d %s", page.Title(c.Record), e.Subject, e.Kind), fmt.Sprintf("The %s for %s %d is %s", c.Record, c.Feed, e.Subject, e.Kind),
				fmt.Sprintf("/%s/%d", c.Name, e.Subject)
		},
	}
}

// FollowConfig says how the service follows its feed: it saves what Make makes of the entries, and acknowledges it in log.
func (c Service[S, R]) FollowConfig(log *outbox.Log, instance string, settings Settings) follow.Config {
	if settings.FeedURL == "" {
		settings.FeedURL = fmt.Sprintf("http://%s:8080/%s/feed", c.Feed, c.Feed)
	}
	return follow.Config{
		FeedURL: settings.FeedURL, Login: strings.TrimSpace(settings.Login), Format: settings.Format, Schedule: settings.Schedule, Wait: settings.Wait, Names: settingNames,
		Feed: c.Feed, Record: c.Record, Instance: instance,
		Save: func(tx *gorm.DB, entries []follow.Entry) (saved []int64, err error) {
			records := make([]R, len(entries))
			for i, e := range entries {
				if records[i], err = c.make(e, instance); err != nil {
					return nil, fmt.Errorf("no %s can be created: %w", c.Record, err)
				}
				entries[i].Record = records[i]
			}
			return c.Save(tx, records)
		},
		Acknowledge: func(tx *gorm.DB, saved []follow.Entry) error {
			events := make([]outbox.Event, len(saved))
			for i, e := range saved {
				r := e.Record.(R).record()
				snapshot, err := json.Marshal(acknowledgement{r.ID, r.Instance, r.Status})
				if err != nil {
					return err
				}
				events[i] = outbox.Event{Subject: r.ID, Kind: r.Status, ReplyTo: e.ID, Snapshot: snapshot}
			}
			return log.Append(tx, events...)
		},
	}
}

// acknowledgement is the content of an entry of the acknowledgement feed.
type acknowledgement struct {
	ID       int64  `json:"id"`
	Instance string `json:"instance"`
	Status   string `json:"status"`
}

func (c Service[S, R]) make(e follow.Entry, instance string) (r R, err error) {
	if e.Subject < 1 {
		return r, fmt.Errorf("the id of the %s is %d", c.Feed, e.Subject)
	}
	var subject S
	if err := json.Unmarshal(e.Content, &subject); err != nil {
		return r, fmt.Errorf("the %s cannot be read: %w", c.Feed, err)
	}
	if r, err = c.Make(subject); err != nil {
		return r, err
	}
	record := r.record()
	*record = Record{ID: e.Subject, Updated: e.Updated, Status: record.Status, Instance: instance, Log: e.Log, Position: e.Position}
	return r, nil
}
