package main

import (
	"context"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"time"

	"github.com/jackc/pgx/v5"
)

// What a service costs: its program, its memory, its start.

const footprintText = `The image of a service holds its program and nothing else (docker/Dockerfile), so its size is that of the program, built as it is there. *Start* is
from the start of the process until it says that it is ready, with a database that is migrated already. *Idle* is a few seconds after that. *Loaded* is the most memory it
has had when order was asked for 304s, kept and new documents, and took orders, and when a consumer has read 20,000 entries. The original's images have 210 MB each, and its
manual asks for 4 GB of memory.`

func footprintPart(ctx context.Context, b *bench) error {
	entries, starts := 20_000, 7
	if b.quick {
		entries, starts = 500, 1
	}
	if err := b.imageSizes(ctx); err != nil {
		return err
	}
	source, order, err := b.order(ctx)
	if err != nil {
		return err
	}
	defer order.stop()
	if err := b.fill(ctx, source, 1, entries); err != nil {
		return err
	}
	feed := "FEED_URL=" + order.url() + "/order/feed"
	for _, name := range []string{"order", "invoicing", "shipping"} {
		database := source
		if name != "order" {
			if database, err = b.database(ctx); err != nil {
				return err
			}
			consumer, err := b.service(ctx, name, database, feed)
			if err != nil {
				return err
			}
			err = until(ctx, database, "SELECT coalesce(max(position), 0) >= $1 FROM poll_cursor", entries)
			if err == nil {
				err = b.loaded(ctx, name, consumer)
			}
			consumer.stop()
			if err != nil {
				return err
			}
		}
		start := func(env ...string) (*process, error) { return b.service(ctx, name, database, append(env, feed)...) }
		var took, idle, file samples
		for range starts {
			began := time.Now()
			p, err := start()
			if err != nil {
				return err
			}
			took = append(took, time.Since(began).Seconds()*1000)
			if len(took) == starts {
				time.Sleep(b.length(5 * time.Second))
				now, err := rss(p.pid(), "VmRSS")
				if err != nil {
					return err
				}
				idle = append(idle, now)
				pages, err := rss(p.pid(), "RssFile")
				if err != nil {
					return err
				}
				file = append(file, pages)
			}
			p.stop()
		}
		b.show(name+": start to ready", "ms", took, below(50, "ms").shown(b.starts(ctx, database, start)))
		b.show(name+": memory, idle", "MB", idle, below(20, "MB").shown(b.holdsIdle(ctx, name, start)).
			because(fmt.Sprintf("%s MB of it are pages of the program's own file (RssFile in /proc), shared by all instances on a machine.", number(file.median()))))
	}
	etag, err := settledTag(ctx, order.url()+"/order/feed")
	if err != nil {
		return err
	}
	atom := "Accept: application/atom+xml\r\n"
	documents := int64(entries/100 - 1)
	for _, l := range []load{
		{order.addr, fixed("/order/feed"), atom + "If-None-Match: " + etag + "\r\n", 304, 32},
		{order.addr, fixed("/order/feed/1"), atom, 200, 32},
		{order.addr, func(n int64) string { return fmt.Sprintf("/order/feed/%d", 1+n%documents) }, "Accept: application/json\r\n", 200, 8},
	} {
		if _, err := l.perSecond(ctx, b.length(2*time.Second)); err != nil {
			return err
		}
	}
	if _, err := many(writers, func(ctx context.Context) error { _, _, err := place(ctx, order.url()); return err })(ctx, b.length(2*time.Second)); err != nil {
		return err
	}
	return b.loaded(ctx, "order", order)
}

// starts says what is done until a service is ready.
func (b *bench) starts(ctx context.Context, database string, start func(env ...string) (*process, error)) explanation {
	var ms float64
	asked := b.statements(ctx, database, func() error {
		for range 3 {
			p, err := start()
			if err != nil {
				return err
			}
			spent, err := p.processor()
			p.stop()
			if err != nil {
				return err
			}
			ms += spent.Seconds() * 1000 / 3
		}
		return nil
	})
	return func() (string, error) {
		statements, err := asked()
		if err != nil {
			return "", err
		}
		var connecting samples
		for range 7 {
			began := time.Now()
			c, err := pgx.Connect(ctx, database)
			if err != nil {
				return "", err
			}
			connecting = append(connecting, time.Since(began).Seconds()*1000)
			c.Close(ctx)
		}
		return fmt.Sprintf("The program takes %s ms of processor time until then. It makes two connections to Postgres, one after the other; one takes %s ms, the check of its password among them, before its first statement. %s",
			number(ms), number(connecting.median()), statements), nil
	}
}

// holdsIdle says whose the memory of a service is that has nothing to do. There is little of it: a sample is taken of each 4 KiB.
func (b *bench) holdsIdle(ctx context.Context, name string, start func(env ...string) (*process, error)) explanation {
	return func() (string, error) {
		p, err := start("GODEBUG=memprofilerate=4096")
		if err != nil {
			return "", err
		}
		defer p.stop()
		time.Sleep(b.length(2 * time.Second))
		return b.holds(ctx, name, p)()
	}
}

func (b *bench) loaded(ctx context.Context, name string, p *process) error {
	peak, err := rss(p.pid(), "VmHWM")
	if err != nil {
		return err
	}
	file, err := rss(p.pid(), "RssFile")
	b.show(name+": memory, loaded", "MB", samples{peak}, below(40, "MB").shown(b.holds(ctx, name, p)).because(fmt.Sprintf("%s MB of it are pages of the program's own file. A service lets garbage come up to 48 MB before it collects more often than Go does by itself (shared/service).", number(file))))
	return err
}

// imageSizes builds the programs as the Dockerfile does.
func (b *bench) imageSizes(ctx context.Context) error {
	dir := filepath.Join(b.dir, "image")
	cmd := exec.CommandContext(ctx, "go", "build", "-trimpath", "-buildvcs=false", "-ldflags", "-s -w", "-o", dir+"/", "./order", "./invoicing", "./shipping")
	cmd.Dir = b.root
	cmd.Env = append(os.Environ(), "CGO_ENABLED=0")
	if out, err := cmd.CombinedOutput(); err != nil {
		return fmt.Errorf("%w\n%s", err, out)
	}
	for _, name := range []string{"order", "invoicing", "shipping"} {
		info, err := os.Stat(filepath.Join(dir, name))
		if err != nil {
			return err
		}
		b.compare(name+": image", "MB", pair{samples{float64(info.Size()) / 1e6}, samples{210}}, "the original's", goal{})
		b.show(name+": the same", "MB", samples{float64(info.Size()) / 1e6}, below(20, "MB").because("its libraries: pgx, gorm, echo, and gofeed with its character sets."))
	}
	return nil
}
