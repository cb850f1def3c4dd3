package proof

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
)

// Many writers place orders, and change and cancel each other's. Who gets no answer asks again until there is one: an order is
// placed again under its Idempotency-Key, a change or a cancellation says the same twice.

type writers struct {
	*trial
	client *http.Client
	items  []int64
	next   atomic.Int64 // number of the next order

	placed, changed, cancelled, again atomic.Int64

	mu      sync.Mutex
	told    map[int64]told // by the order's id
	ids     []int64
	refused []string // answers that nobody should have got
}

// told is what writers were told of an order last.
type told struct {
	version int // as it is in the entity tag: grows with every change
	order   order
}

func newWriters(t *trial) *writers {
	return &writers{trial: t, told: map[int64]told{}, items: []int64{1, 2, 3, 4}, client: &http.Client{
		Timeout: 15 * time.Second, Transport: &http.Transport{MaxIdleConnsPerHost: t.Writers},
	}}
}

// prepare puts more on the lists of items and customers: prices of all sizes, and names that are awkward.
func (w *writers) prepare(ctx context.Context) error {
	if !w.subject.Changes {
		return nil
	}
	for i, price := range []string{"0.01", "0.10", "19.99", "999999.99", "33.33"} {
		var added item
		body := map[string]any{"name": fmt.Sprintf(`Thing "%d" <ä €> \ '`, i), "price": json.Number(price)}
		if _, err := w.ask(ctx, "POST", "/order/item/", "", body, &added); err != nil {
			return err
		}
		w.items = append(w.items, added.ID)
	}
	return nil
}

// run places all orders, each at its time, and does what else is to be done.
func (w *writers) run(ctx context.Context) error {
	errs := make(chan error, w.Writers)
	var writing sync.WaitGroup
	for range w.Writers {
		writing.Go(func() { errs <- w.write(ctx) })
	}
	writing.Wait()
	for range w.Writers {
		if err := <-errs; err != nil {
			return err
		}
	}
	return nil
}

func (w *writers) write(ctx context.Context) error {
	for {
		n := w.next.Add(1)
		if n > int64(w.Orders) {
			return nil
		}
		wait(ctx, time.Until(w.began.Add(time.Duration(n)*w.Length/time.Duration(w.Orders))))
		if _, err := w.place(ctx, n); err != nil {
			return err
		}
		if !w.subject.Changes {
			continue
		}
		random := rand.New(rand.NewPCG(w.Seed, uint64(n)<<32))
		if random.IntN(4) == 0 {
			if err := w.change(ctx, random); err != nil {
				return err
			}
		}
		if random.IntN(10) == 0 {
			if err := w.cancel(ctx, random); err != nil {
				return err
			}
		}
	}
}

// placeNext places one more order, out of turn.
func (w *writers) placeNext(ctx context.Context) (order, error) { return w.place(ctx, w.next.Add(1)) }

func (w *writers) place(ctx context.Context, n int64) (order, error) {
	random := rand.New(rand.NewPCG(w.Seed, uint64(n)))
	o, err := w.tell(ctx, "POST", "/order/", fmt.Sprintf("proof-%d-%d", w.Seed, n), w.draft(random), http.StatusCreated)
	w.placed.Add(1)
	return o, err
}

func (w *writers) change(ctx context.Context, random *rand.Rand) error {
	_, err := w.tell(ctx, "PUT", fmt.Sprintf("/order/%d", w.any(random)), "", w.draft(random), http.StatusOK, http.StatusConflict)
	w.changed.Add(1)
	return err
}

func (w *writers) cancel(ctx context.Context, random *rand.Rand) error {
	_, err := w.tell(ctx, "DELETE", fmt.Sprintf("/order/%d", w.any(random)), "", nil, http.StatusOK)
	w.cancelled.Add(1)
	return err
}

// any is one of the latest orders of all writers.
func (w *writers) any(random *rand.Rand) int64 {
	w.mu.Lock()
	defer w.mu.Unlock()
	return w.ids[len(w.ids)-1-random.IntN(min(len(w.ids), 200))]
}

// draft is what a writer wants.
func (w *writers) draft(random *rand.Rand) map[string]any {
	where := func() address {
		return address{fmt.Sprintf("Krischerstr. %d", random.IntN(1000)), fmt.Sprintf("%05d", random.IntN(100000)), []string{"Monheim", "Köln <am> \"Rhein\"", "O'Fallon", "東京"}[random.IntN(4)]}
	}
	var lines []map[string]any
	for range random.IntN(4) + 1 {
		lines = append(lines, map[string]any{"count": random.IntN(100) + 1, "item": w.items[random.IntN(len(w.items))]})
	}
	return map[string]any{"customer": random.IntN(2) + 1, "shippingAddress": where(), "billingAddress": where(), "orderLine": lines}
}

// tell asks for something to be done to an order and remembers the answer.
func (w *writers) tell(ctx context.Context, method, path, key string, draft any, expected ...int) (o order, err error) {
	a, err := w.ask(ctx, method, path, key, draft, &o)
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
	_, _ = fmt.Sscanf(a.etag, `"%d-`, &now.version)
	before, known := w.told[o.ID]
	if !known {
		w.ids = append(w.ids, o.ID)
	}
	if !known || now.version > before.version {
		w.told[o.ID] = now
	}
	return o, nil
}

type answer struct {
	status int
	etag   string
	body   []byte
}

// ask sends a request until it is answered by the service itself, and reads what is in the answer.
func (w *writers) ask(ctx context.Context, method, path, key string, body, to any) (a answer, err error) {
	sent, err := json.Marshal(body)
	if err != nil {
		return a, err
	}
	if body == nil {
		sent = nil
	}
	for {
		if a, err = w.once(ctx, method, path, key, sent); err == nil && a.status < 500 {
			if a.status < 300 {
				err = json.Unmarshal(a.body, to)
			}
			return a, err
		}
		if ctx.Err() != nil {
			return a, fmt.Errorf("%s %s was not answered in time: %d %w", method, path, a.status, ctx.Err())
		}
		w.again.Add(1)
		wait(ctx, 200*time.Millisecond)
	}
}

func (w *writers) once(ctx context.Context, method, path, key string, body []byte) (answer, error) {
	r, err := http.NewRequestWithContext(ctx, method, w.system.URL()+path, bytes.NewReader(body))
	if err != nil {
		return answer{}, err
	}
	r.Header.Set("Accept", "application/json")
	if body != nil {
		r.Header.Set("Content-Type", "application/json")
	}
	if key != "" {
		r.Header.Set("Idempotency-Key", key)
	}
	res, err := w.client.Do(r)
	if err != nil {
		return answer{}, err
	}
	defer res.Body.Close()
	text, err := io.ReadAll(res.Body)
	return answer{res.StatusCode, res.Header.Get("ETag"), text}, err
}
