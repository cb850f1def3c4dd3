package follow

import (
	"embed"
	"fmt"
	"time"

	"github.com/robfig/cron/v3"
	"gorm.io/gorm"

	"msatom/shared/deadletter"
	"msatom/shared/postgres"
)

//go:embed migrations/*.sql
var schema embed.FS

// Migrations create the tables of a follower in its service's schema.
func Migrations() []postgres.Migration {
	return []postgres.Migration{postgres.Files("follow", schema), deadletter.Migration()}
}

// Config says what to follow, when, and what to do with the entries.
type Config struct {
	FeedURL  string        // address of the recent document
	Login    string        // "user:password" for the feed (RFC 7617), "" for none; addresses with a password are refused, because pages show them
	Format   string        // Atom or JSON; "" is Atom
	Schedule string        // when to poll, as robfig/cron reads it: "@every 30s" or five fields
	Wait     time.Duration // how long the feed may hold a request until there is news, in whole seconds up to 50; 0: not at all
	MaxBytes int64         // of one response; 0: 32 MiB
	Names    Names

	Feed     string // names the feed in the database and in logs: "order"
	Record   string // names what Save saves, in logs: "invoice"
	Instance string

	// Save saves what entries mean for the service, in the transaction tx, and returns the subjects for which it saved something.
	// Of each subject it gets the latest entry only. The same entries may come again, and older entries after newer ones: they must
	// change nothing. An error that is not a failure of the database makes the entry a dead letter.
	Save func(tx *gorm.DB, entries []Entry) (saved []int64, err error)
	// Acknowledge publishes, in the same transaction, that entries were saved. It may be nil.
	Acknowledge func(tx *gorm.DB, saved []Entry) error
	// Committed is called after a poll that has saved something. It may be nil.
	Committed func()

	Optional   bool             // the service does without this feed: less is logged, and the backoff stays short
	Now        func() time.Time // nil: time.Now
	ShorterFor time.Duration    // how long a log must be found shorter than it was before that is believed; 0: 5 seconds
}

// Formats in which a feed can be asked for.
const (
	Atom = "atom"
	JSON = "json"
)

// Names are what the user calls the settings, usually environment variables. Errors of New use them.
type Names struct{ FeedURL, Format, Schedule, Wait string }

// maxWait is the longest time that a feed holds a request.
const maxWait = 50 * time.Second

// New returns a follower. An error says which setting is wrong.
func New(db *gorm.DB, cfg Config) (*Follower, error) {
	accept, ok := map[string]string{"": acceptAtom, Atom: acceptAtom, JSON: acceptJSON}[cfg.Format]
	if !ok {
		return nil, fmt.Errorf("%s: %q is not %s or %s", cfg.Names.Format, cfg.Format, Atom, JSON)
	}
	schedule, err := parseSchedule(cfg.Schedule)
	if err != nil {
		return nil, fmt.Errorf("%s: %w", cfg.Names.Schedule, err)
	}
	if cfg.Wait < 0 || cfg.Wait > maxWait || cfg.Wait%time.Second != 0 {
		return nil, fmt.Errorf("%s: %v is not a number of whole seconds up to %v", cfg.Names.Wait, cfg.Wait, maxWait)
	}
	client, err := newClient(cfg.FeedURL, cfg.Login, accept, "msatom/1 ("+cfg.Instance+")", cfg.MaxBytes)
	if err != nil {
		return nil, fmt.Errorf("%s: %w", cfg.Names.FeedURL, err)
	}
	if cfg.Now == nil {
		cfg.Now = time.Now
	}
	if cfg.ShorterFor == 0 {
		cfg.ShorterFor = 5 * time.Second
	}
	return &Follower{
		cfg: cfg, db: db, client: client, schedule: schedule, letters: deadletter.New(db, cfg.Feed, cfg.Now), turn: make(chan struct{}, 1), reportedTo: -1,
	}, nil
}

// Config returns the settings.
func (f *Follower) Config() Config { return f.cfg }

// parseSchedule parses a schedule. cron panics on some that are wrong, and accepts those that never come, such as 31 February.
func parseSchedule(s string) (schedule cron.Schedule, err error) {
	defer func() {
		if recover() != nil || err == nil && schedule.Next(time.Now()).IsZero() {
			err = fmt.Errorf("%q is not a schedule", s)
		}
	}()
	return cron.ParseStandard(s)
}
