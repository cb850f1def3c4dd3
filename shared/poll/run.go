// When a feed is polled: at the start, by cron, on demand, and while polls fail, after growing pauses with jitter.
package poll

import (
	"context"
	"embed"
	"errors"
	"fmt"
	"log/slog"
	"math/rand/v2"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/promauto"
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

// State is how this instance's polling goes.
type State struct {
	LastPoll time.Time     // when it began; zero before the first
	Took     time.Duration // how long it lasted
	Result   Result        // of the last poll that succeeded
	Error    string        // of the last poll; "" if it succeeded
	Since    time.Time     // when Error began
	Failures int           // polls that failed in a row
}

var pollsTotal = promauto.NewCounterVec(prometheus.CounterOpts{
	Name: "msatom_polls_total", Help: "Polls of a feed by outcome: modified, not_modified, failed.",
}, []string{"feed", "outcome"})

var entriesTotal = promauto.NewCounterVec(prometheus.CounterOpts{
	Name: "msatom_poll_entries_total", Help: "Entries of a feed by what became of them: written, ignored, parked.",
}, []string{"feed", "outcome"})

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
	return &Poller{cfg: cfg, db: db, handle: handle, client: c, turn: make(chan struct{}, 1), reportedUpTo: -1}, nil
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
	due := make(chan struct{}, 1)
	timer := cron.New()
	if _, err := timer.AddFunc(p.cfg.Schedule, func() {
		select {
		case due <- struct{}{}:
		default: // one is waiting already
		}
	}); err != nil {
		slog.Error("POLL_SCHEDULE", "error", err) // New has parsed it
		return
	}
	timer.Start()
	defer timer.Stop()
	for ctx.Err() == nil {
		_, err := p.Poll(ctx)
		if err == nil && p.cfg.Wait > 0 && p.news(ctx) {
			continue
		}
		again, atLeast := p.pauseAfter(err)
		wait(ctx, nil, atLeast)
		wait(ctx, due, again-atLeast)
	}
}

// news waits for the feed instead of the clock. It reports false when that cannot be done, and the clock must do.
func (p *Poller) news(ctx context.Context) bool {
	for {
		select {
		case p.turn <- struct{}{}:
		case <-ctx.Done():
			return false
		}
		had := p.had
		<-p.turn
		modified, supported, err := p.client.news(ctx, p.cfg.FeedURL, had, p.cfg.Wait)
		if err != nil || modified || !supported {
			return modified && supported
		}
	}
}

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

// pauseAfter is how long to wait for the next poll if cron does not ask sooner: after failures 1, 2, 4, ... 30 seconds, each up to
// a quarter more or less, so that instances do not come back in step. Sooner than atLeast not even cron may ask: the
// other side wishes so.
func (p *Poller) pauseAfter(err error) (again, atLeast time.Duration) {
	if err == nil {
		return 24 * time.Hour, 0
	}
	var status *StatusError
	if errors.As(err, &status) {
		atLeast = status.RetryAfter
	}
	again = min(time.Second<<min(max(p.State().Failures-1, 0), 6), 30*time.Second)
	again = time.Duration(float64(again) * (0.75 + rand.Float64()/2))
	return max(again, atLeast), atLeast
}

// State is how this instance's polling goes.
func (p *Poller) State() State {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.state
}

// report notes how a poll went, and logs when polls begin to fail and when they succeed again.
func (p *Poller) report(ctx context.Context, start time.Time, result Result, err error) {
	if ctx.Err() != nil {
		return // given up, which says nothing about the feed
	}
	p.mu.Lock()
	defer p.mu.Unlock()
	s := &p.state
	s.LastPoll, s.Took = start, time.Since(start)
	if err != nil {
		pollsTotal.WithLabelValues(p.cfg.Feed, "failed").Inc()
		if s.Error == "" {
			s.Since = start
			slog.Warn("polling fails; trying again", "feed", p.cfg.Feed, "error", err)
		}
		s.Error = err.Error()
		s.Failures++
		return
	}
	outcome := "modified"
	if result.NotModified {
		outcome = "not_modified"
	}
	pollsTotal.WithLabelValues(p.cfg.Feed, outcome).Inc()
	slog.Debug("polled", "feed", p.cfg.Feed, "result", result.String(), "took", s.Took)
	if s.Error != "" {
		slog.Info("polling works again", "feed", p.cfg.Feed, "after", time.Since(s.Since).Round(time.Second))
	}
	s.Error, s.Failures, s.Result = "", 0, result
}
