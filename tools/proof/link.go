package main

import (
	"context"
	"fmt"
	"net"
	"strings"
	"time"

	"github.com/Shopify/toxiproxy/v2"
	"github.com/prometheus/client_golang/prometheus"
	"github.com/rs/zerolog"

	"msatom/tools/system"
)

// The link is a proxy in this process between the front door and all who read feeds: consumers read order's feed through it,
// and order reads the consumers' acknowledgement feeds.

type link struct{ proxy *toxiproxy.Proxy }

// newLink returns a link to the front door, and its own address.
func newLink(front string) (*link, string, error) {
	server := toxiproxy.NewServer(toxiproxy.NewMetricsContainer(prometheus.NewRegistry()), zerolog.Nop())
	l := &link{toxiproxy.NewProxy(server, "link", net.JoinHostPort(system.Loopback(), "0"), front)}
	if err := l.proxy.Start(); err != nil {
		return nil, "", err
	}
	return l, "http://" + l.proxy.Listen, nil
}

var toxics = map[Kind]string{
	LinkReset:    `{"name": "reset", "type": "reset_peer", "attributes": {"timeout": 20}}`,
	LinkTruncate: `{"name": "truncate", "type": "limit_data", "attributes": {"bytes": 4000}}`,
	LinkDelay:    `{"name": "delay", "type": "latency", "attributes": {"latency": 400, "jitter": 300}}`,
}

// inject injects a fault of the link and returns when it is healed.
func (l *link) inject(ctx context.Context, f Fault) error {
	if f.Kind == LinkCut {
		l.proxy.Stop()
		wait(ctx, f.For)
		return l.proxy.Start()
	}
	if _, err := l.proxy.Toxics.AddToxicJson(strings.NewReader(toxics[f.Kind])); err != nil {
		return fmt.Errorf("%s: %w", f.Kind, err)
	}
	wait(ctx, f.For)
	healing, cancel := context.WithTimeout(context.WithoutCancel(ctx), 5*time.Second)
	defer cancel()
	l.proxy.Toxics.ResetToxics(healing)
	return nil
}

func (l *link) close() { l.proxy.Stop() }
