package main

import (
	"context"
	"fmt"
	"net/http"
	"time"

	"github.com/jackc/pgx/v5"
)

// What a consumer gains by having the data itself: the paper's figure 7.

const localText = `One record read at a time, over a connection that is open already: from the consumer's own database, from order directly, and from order through Apache.`

func localPart(ctx context.Context, b *bench) error {
	order := b.system.Instance("order-1")
	for _, p := range []interface{ Up() error }{order, b.system.Apache()} {
		if err := p.Up(); err != nil {
			return err
		}
	}
	defer order.Down()
	defer b.system.Apache().Down()
	for _, url := range []string{order.URL(), b.system.URL()} {
		for status := 0; status != http.StatusOK && ctx.Err() == nil; time.Sleep(50 * time.Millisecond) {
			status, _, _ = get(ctx, url+"/order/")
		}
	}
	if _, _, err := place(ctx, order.URL()); err != nil {
		return err
	}
	database, err := b.database(ctx)
	if err != nil {
		return err
	}
	c, err := pgx.Connect(ctx, database)
	if err != nil {
		return err
	}
	defer c.Close(ctx)
	if _, err := c.Exec(ctx, "CREATE TABLE record (id int PRIMARY KEY, content json NOT NULL)"); err != nil {
		return err
	}
	if _, err := c.Exec(ctx, "INSERT INTO record VALUES (1, $1)", aSnapshot); err != nil {
		return err
	}
	local := timed(func(ctx context.Context) error {
		var content []byte
		return c.QueryRow(ctx, "SELECT content FROM record WHERE id = $1", 1).Scan(&content)
	})
	from := func(url string) measure {
		return timed(func(ctx context.Context) error {
			status, body, err := get(ctx, url+"/order/1", "Accept", "application/json")
			if err == nil && status != http.StatusOK {
				err = fmt.Errorf("status %d: %s", status, body)
			}
			return err
		})
	}
	for _, way := range []struct {
		name string
		take measure
	}{{"from order", from(order.URL())}, {"from order through Apache", from(b.system.URL())}} {
		p, err := b.alternate(ctx, "a record "+way.name, way.take, local)
		if err != nil {
			return err
		}
		b.compare("a record "+way.name, "ms", p, "from the own database", goal{})
	}
	return nil
}

// timed is the mean time in milliseconds that something takes, done again and again.
func timed(do func(context.Context) error) measure {
	return func(ctx context.Context, d time.Duration) (float64, error) {
		n := 0
		began := time.Now()
		for ; n == 0 || time.Since(began) < d; n++ {
			if err := do(ctx); err != nil {
				return 0, err
			}
		}
		return time.Since(began).Seconds() * 1000 / float64(n), nil
	}
}
