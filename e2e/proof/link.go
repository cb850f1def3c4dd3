package proof

import (
	"context"
	"fmt"
	"net"
	"strings"
	"time"

	"github.com/Shopify/toxiproxy/v2"
	"github.com/prometheus/client_golang/prometheus"
	"github.com/rs/zerolog"

	"msatom/e2e/system"
)

// The link is the connection between consumers and order: a proxy in this process, which can be cut, slowed and made to break
// connections off. All feeds are read through it, order's by its consumers and theirs by order.

type link struct{ proxy *toxiproxy.Proxy }

// newLink makes a way to the front door, to be known under the address that is returned.
func newLink(front string) (*link, string, error) {
	server := toxiproxy.NewServer(toxiproxy.NewMetricsContainer(prometheus.NewRegistry()), zerolog.Nop())
	l := &link{toxiproxy.NewProxy(server, "link", net.JoinHostPort(system.Loopback(), "0"), front)}
	if err := l.proxy.Start(); err != nil {
		return nil, "", err
	}
	return l, "http://" + l.proxy.Listen, nil
}

// disturb does to the link what a fault says, for as long as it says.
func (l *link) disturb(ctx context.Context, f Fault) error {
	toxic := ""
	switch f.Kind {
	case Cut:
		l.proxy.Stop()
		wait(ctx, f.For)
		return l.proxy.Start()
	case Reset:
		toxic = `{"name": "reset", "type": "reset_peer", "attributes": {"timeout": 20}}`
	case Short:
		toxic = `{"name": "short", "type": "limit_data", "attributes": {"bytes": 4000}}`
	case Slow:
		toxic = `{"name": "slow", "type": "latency", "attributes": {"latency": 400, "jitter": 300}}`
	default:
		return fmt.Errorf("%s is nothing that a link can suffer", f.Kind)
	}
	if _, err := l.proxy.Toxics.AddToxicJson(strings.NewReader(toxic)); err != nil {
		return err
	}
	wait(ctx, f.For)
	healing, cancel := context.WithTimeout(context.WithoutCancel(ctx), 5*time.Second)
	defer cancel()
	l.proxy.Toxics.ResetToxics(healing)
	return nil
}

func (l *link) close() { l.proxy.Stop() }

// wait waits for d, or until ctx ends.
func wait(ctx context.Context, d time.Duration) {
	t := time.NewTimer(d)
	defer t.Stop()
	select {
	case <-ctx.Done():
	case <-t.C:
	}
}
