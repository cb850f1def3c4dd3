package main

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"math/rand/v2"
	"net/http"
	"slices"
	"sync"
	"sync/atomic"
	"time"

	"golang.org/x/sync/errgroup"
)

// Many writers place orders, and change and cancel each other's. A writer repeats a request until it is answered: an order under
// the same Idempotency-Key, a change or a cancellation as it is.

const writerCount = 32

type writers struct {
	*trial
	client *http.Client
	items  []int64      // ids
	next   atomic.Int64 // number of the next order

	placed, changed, cancelled, repeated atomic.Int64

	mu      sync.Mutex
	told    map[int64]told // by order
	ids     []int64        // of the orders, oldest first
	refused []string       // answers that no writer should get
}

// told is the latest state of an order that an answer contained.
type told struct {
	version int // from the ETag; grows with every change
	order   order
}

func newWriters(t *trial) *writers {
	return &writers{trial: t, told: map[int64]told{}, items: []int64{1, 2, 3, 4}, client: &http.Client{
		Timeout: 15 * time.Second, Transport: &http.Transport{MaxIdleConnsPerHost: writerCount},
	}}
}

// prepare adds items with prices of all sizes and awkward names.
func (w *writers) prepare(ctx context.Context) error {
	if !w.subject.Changes {
		return nil
	}
	for i, price := range []string{"0.01", "0.10", "19.99", "999999.99", "33.33"} {
		var added item
		body := map[string]any{"name": fmt.Sprintf(`Thing "%d" <ä €> \ '`, i), "price": json.Number(price)}
		if _, err := w.request(ctx, "POST", "/order/item/", "", body, &added); err != nil {
			return err
		}
		w.items = append(w.items, added.ID)
	}
	return nil
}

// run places all orders, spread over the length of the trial, and changes and cancels some.
func (w *writers) run(ctx context.Context) error {
	var writing errgroup.Group
	for range writerCount {
		writing.Go(func() error {
			for {
				n := w.next.Add(1)
				if n > int64(w.Orders) {
					return nil
				}
				wait(ctx, time.Until(w.began.Add(time.Duration(n)*w.Length/time.Duration(w.Orders))))
				if err := w.write(ctx, n); err != nil {
					return err
				}
			}
		})
	}
	return writing.Wait()
}

// write places order number n. With a probability of 1/4 it then changes one of the latest orders, with 1/10 it cancels one.
func (w *writers) write(ctx context.Context, n int64) error {
	if o, err := w.place(ctx, n); err != nil || o.ID == 0 || !w.subject.Changes { // 0: the order was refused
		return err
	}
	random := rand.New(rand.NewPCG(w.Seed, uint64(n)<<32))
	if random.IntN(4) == 0 {
		w.changed.Add(1)
		if _, err := w.tell(ctx, "PUT", w.anyOrder(random), "", w.draft(random), http.StatusOK, http.StatusConflict); err != nil {
			return err
		}
	}
	if random.IntN(10) == 0 {
		w.cancelled.Add(1)
		if _, err := w.tell(ctx, "DELETE", w.anyOrder(random), "", nil, http.StatusOK); err != nil {
			return err
		}
	}
	return nil
}

// placeNext places one more order than planned.
func (w *writers) placeNext(ctx context.Context) (order, error) { return w.place(ctx, w.next.Add(1)) }

func (w *writers) place(ctx context.Context, n int64) (order, error) {
	random := rand.New(rand.NewPCG(w.Seed, uint64(n)))
	o, err := w.tell(ctx, "POST", "/order/", fmt.Sprintf("proof-%d-%d", w.Seed, n), w.draft(random), http.StatusCreated)
	w.placed.Add(1)
	return o, err
}

// anyOrder returns the path of one of the latest orders of all writers.
func (w *writers) anyOrder(random *rand.Rand) string {
	w.mu.Lock()
	defer w.mu.Unlock()
	return fmt.Sprintf("/order/%d", w.ids[len(w.ids)-1-random.IntN(min(len(w.ids), 200))])
}

// draft returns an order as a client sends it.
func (w *writers) draft(random *rand.Rand) map[string]any {
	cities := []string{"Monheim", "Köln <am> \"Rhein\"", "O'Fallon", "東京"}
	where := func() address {
		return address{fmt.Sprintf("Krischerstr. %d", random.IntN(1000)), fmt.Sprintf("%05d", random.IntN(100000)), cities[random.IntN(len(cities))]}
	}
	var lines []map[string]any
	for range random.IntN(4) + 1 {
		lines = append(lines, map[string]any{"count": random.IntN(100) + 1, "item": w.items[random.IntN(len(w.items))]})
	}
	return map[string]any{"customer": random.IntN(2) + 1, "shippingAddress": where(), "billingAddress": where(), "orderLine": lines}
}

// tell sends a request about an order and remembers what the answer says about it.
func (w *writers) tell(ctx context.Context, method, path, key string, draft any, expected ...int) (o order, err error) {
	a, err := w.request(ctx, method, path, key, draft, &o)
	if err != nil {
		return o, err
	}
	w.mu.Lock()
	defer w.mu.Unlock()
	if !slices.Contains(expected, a.status) {
		w.refused = append(w.refused, fmt.Sprintf("%s %s: %d %.200s", method, path, a.status, a.body))
		return o, nil
	}
	if a.status == http.StatusConflict {
		return o, nil
	}
	now := told{order: o}
	_, _ = fmt.Sscanf(a.header.Get("ETag"), `"%d-`, &now.version)
	before, known := w.told[o.ID]
	if !known {
		w.ids = append(w.ids, o.ID)
	}
	if !known || now.version > before.version {
		w.told[o.ID] = now
	}
	return o, nil
}

// request sends a request until the service answers it, and decodes the body of a success into result.
func (w *writers) request(ctx context.Context, method, path, key string, draft, result any) (a answer, err error) {
	var body []byte
	if draft != nil {
		if body, err = json.Marshal(draft); err != nil {
			return a, err
		}
	}
	for {
		r, err := http.NewRequestWithContext(ctx, method, w.system.URL()+path, bytes.NewReader(body))
		if err != nil {
			return a, err
		}
		r.Header.Set("Accept", "application/json")
		if body != nil {
			r.Header.Set("Content-Type", "application/json")
		}
		if key != "" {
			r.Header.Set("Idempotency-Key", key)
		}
		if a, err = send(w.client, r); err == nil && a.status < 500 {
			if a.status < 300 {
				err = json.Unmarshal(a.body, result)
			}
			return a, err
		}
		if ctx.Err() != nil {
			return a, fmt.Errorf("%s %s was not answered in time: %d %w", method, path, a.status, ctx.Err())
		}
		w.repeated.Add(1)
		wait(ctx, 200*time.Millisecond)
	}
}

type answer struct {
	status int
	header http.Header
	body   []byte
}

func send(client *http.Client, r *http.Request) (answer, error) {
	res, err := client.Do(r)
	if err != nil {
		return answer{}, err
	}
	defer res.Body.Close()
	body, err := io.ReadAll(res.Body)
	return answer{res.StatusCode, res.Header, body}, err
}
