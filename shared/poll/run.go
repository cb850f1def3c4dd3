// When a feed is polled: at the start, by cron, on demand, and while polls fail, after growing pauses with jitter.

package poll

import (
	"context"
	"embed"
	"errors"
	"fmt"
	"log/slog"
	"math/rand/v2"
	"net/http"
	"slices"
	"sync"
	"time"

	"github.com/VictoriaMetrics/metrics"
	"github.com/robfig/cron/v3"
	"gorm.io/gorm"

	"msatom/shared/feed"
	"msatom/shared/postgres"
)

//go:embed migrations/*.sql
var schema embed.FS

// Migration makes the tables of a consumer in its service's schema.
func Migration() postgres.Migration {
	return postgres.Files("poll", schema)
}

// Source is what a service reads from its environment about the feed that it follows.
type Source struct {
	FeedURL  string `env:"FEED_URL" envDefault:"http://order:8080/order/feed"` // address of the recent document
	Schedule string `env:"POLL_SCHEDULE" envDefault:"@every 30s"`              // robfig/cron: "@every 30s" or five fields
	// Wait is how long the feed may hold a request until there is news, in whole seconds up to 50; 0: it is not asked to.
	Wait time.Duration `env:"POLL_WAIT" envDefault:"0s"`
}

// Config of a poller.
type Config struct {
	Source
	Feed     string // names the feed in the database and the log: "order"
	Record   string // what the handler writes, for the log: "invoice"
	Instance string
	// Records are the tables that the handler writes, the record's own first: it has the columns log and position. With them the
	// records can be compared with the log.
	Records []Table

	Wrote func() // called after a poll that has written something, when that is committed; nil: nothing

	// Quiet is for a feed that the service can do without: less is logged of it, and the pauses after failures stay short.
	Quiet      bool
	Now        func() time.Time // nil: time.Now
	ShorterFor time.Duration    // how long a log must be found shorter before that is believed; 0: 5 seconds
}

// Result is what a poll, or several, did.
type Result struct {
	NotModified bool `json:"notModified"`
	Written     int  `json:"written"`        // records written or changed
	Ignored     int  `json:"alreadyThere"`   // entries whose work was done before
	Parked      int  `json:"parked"`         // entries that could not be processed
	More        bool `json:"more,omitempty"` // the time was up before all was processed; the next poll goes on there
}

// String says it in a sentence for people.
func (r Result) String() string {
	if r.NotModified && r.Written == 0 {
		return "nothing new (304)"
	}
	s := fmt.Sprintf("%d written, %d already there", r.Written, r.Ignored)
	if r.Parked > 0 {
		s += fmt.Sprintf(", %d parked", r.Parked)
	}
	if r.More {
		s += ", more to come"
	}
	return s
}

// entriesTotal counts the entries of a feed by what became of them: written, ignored, parked.
func entriesTotal(feed, outcome string) *metrics.Counter {
	return metrics.GetOrCreateCounter(fmt.Sprintf("msatom_poll_entries_total{feed=%q,outcome=%q}", feed, outcome))
}

// New makes a poller; an error says what is wrong with the configuration.
func New(db *gorm.DB, cfg Config, handle Handler) (*Poller, error) {
	if err := checkSchedule(cfg.Schedule); err != nil {
		return nil, fmt.Errorf("POLL_SCHEDULE: %w", err)
	}
	if cfg.Wait < 0 || cfg.Wait > feed.MaxWait || cfg.Wait%time.Second != 0 {
		return nil, fmt.Errorf("POLL_WAIT: %v is not a number of whole seconds up to %v", cfg.Wait, feed.MaxWait)
	}
	c, err := newClient(cfg.FeedURL, "msatom/1 ("+cfg.Instance+")")
	if err != nil {
		return nil, err
	}
	if cfg.Now == nil {
		cfg.Now = time.Now
	}
	if cfg.ShorterFor == 0 {
		cfg.ShorterFor = 5 * time.Second
	}
	return &Poller{cfg: cfg, db: db, handle: handle, client: c, turn: make(chan struct{}, 1), reconcile: make(chan struct{}, 1), reportedUpTo: -1}, nil
}

// checkSchedule parses a schedule; cron panics on some that are wrong.
func checkSchedule(s string) (err error) {
	defer func() {
		if r := recover(); r != nil {
			err = fmt.Errorf("%q is not a schedule", s)
		}
	}()
	_, err = cron.ParseStandard(s)
	return err
}

// Run polls until ctx ends; a poll in flight is then broken off, and its transaction rolled back.
func (p *Poller) Run(ctx context.Context) {
	var beside sync.WaitGroup
	defer beside.Wait()
	beside.Go(func() { p.beat(ctx) })
	beside.Go(func() { p.reconciling(ctx) })
	due := make(chan struct{}, 1)
	timer := cron.New()
	job, err := timer.AddFunc(p.cfg.Schedule, func() {
		select {
		case due <- struct{}{}:
		default: // one is waiting already
		}
	})
	if err != nil {
		slog.Error("POLL_SCHEDULE", "error", err) // New has parsed it
		return
	}
	timer.Start()
	defer timer.Stop()
	var news *document
	for ctx.Err() == nil {
		p.plan(time.Time{}, false)
		_, err := p.poll(ctx, false, news)
		if news = nil; err == nil && p.cfg.Wait > 0 {
			p.plan(time.Time{}, true)
			if news, err = p.news(ctx); news != nil {
				continue
			}
		}
		again, atLeast := p.pauseAfter(err)
		next := time.Now().Add(again)
		if at := timer.Entry(job).Next; atLeast == 0 && at.Before(next) {
			next = at
		}
		p.plan(next.UTC(), false)
		wait(ctx, nil, atLeast)
		wait(ctx, due, again-atLeast)
	}
}

// news waits for the feed instead of the clock, and returns the recent document when there is something new in it. It returns nil when
// waiting cannot be done, and the clock must do; an error when the other side is not there: then asking again soon shows whether it is back.
func (p *Poller) news(ctx context.Context) (*document, error) {
	for {
		select {
		case p.turn <- struct{}{}:
		case <-ctx.Done():
			return nil, ctx.Err()
		}
		had := p.had
		<-p.turn
		recent, supported, err := p.client.news(ctx, p.cfg.FeedURL, had, p.cfg.Wait)
		var status *StatusError
		if errors.As(err, &status) && !slices.Contains(away, status.Status) || err == nil && !supported {
			return nil, nil
		}
		if err != nil || recent != nil {
			return recent, err
		}
	}
}

// away are the answers of a front door behind which nobody is.
var away = []int{http.StatusBadGateway, http.StatusServiceUnavailable, http.StatusGatewayTimeout}

// wait returns when something is due, the time is up, or ctx ends.
func wait(ctx context.Context, due <-chan struct{}, d time.Duration) {
	t := time.NewTimer(d)
	defer t.Stop()
	select {
	case <-ctx.Done():
	case <-due:
	case <-t.C:
	}
}

// pauseAfter is how long to wait for the next poll if cron does not ask sooner: after failures 1, 2, 4, ... 30 seconds (4, if it
// is to be quiet), each up to a quarter more or less, so that instances do not come back in step. Sooner than atLeast not even cron may ask: the
// other side wishes so.
func (p *Poller) pauseAfter(err error) (again, atLeast time.Duration) {
	if err == nil {
		return 24 * time.Hour, 0
	}
	var status *StatusError
	if errors.As(err, &status) {
		atLeast = status.RetryAfter
	}
	longest := 30 * time.Second
	if p.cfg.Quiet {
		longest = 4 * time.Second
	}
	again = min(time.Second<<min(max(p.State().Failures-1, 0), 6), longest)
	again = time.Duration(float64(again) * (0.75 + rand.Float64()/2))
	return max(again, atLeast), atLeast
}
