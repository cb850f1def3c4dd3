// Order takes orders through web pages and JSON, and publishes what happens to them as a feed.
//
// The path of an order: web.go (received), draft.go (checked), orders.go (saved with its event), feed.go (published),
// shared/follow/follow.go (read by a consumer), invoicing/consumer.go (becomes an invoice).
package main

import (
	"embed"
	"time"

	"msatom/shared/feed"
	"msatom/shared/follow"
	"msatom/shared/outbox"
	"msatom/shared/page"
	"msatom/shared/postgres"
	"msatom/shared/service"
)

//go:embed migrations/*.sql pages/*.html pages/*.js
var files embed.FS
var migrations = append(follow.Migrations(), outbox.Migration(), postgres.Files("order", files))

// config is what order reads from its environment.
type config struct {
	Feeds          []string      `env:"ACK_FEEDS"`                            // acknowledgement feeds: name=address,name=address
	Format         string        `env:"FEED_FORMAT" envDefault:"atom"`        // in which they are read: atom or json
	Wait           time.Duration `env:"ACK_WAIT" envDefault:"25s"`            // how long they may hold a poll; 0: they answer at once
	Schedule       string        `env:"ACK_SCHEDULE" envDefault:"@every 30s"` // when they are polled without waiting
	RepublishAfter time.Duration `env:"REPUBLISH_AFTER" envDefault:"0s"`      // a skipped order is republished after this; 0: never
}

func main() {
	var cfg config
	service.Main("order", &cfg, func(s *service.Service) error { return wire(s, cfg) })
}

// wire connects the parts of the service.
func wire(s *service.Service, cfg config) error {
	pages := page.New(s.Name, s.Instance, files, feed.Page).Among(s.Services)
	log := outbox.New(s.DB)
	about := aboutFeed(pages)
	about.MaxAge, about.Origins = s.FeedMaxAge, s.FeedOrigins
	orders := newOrders(s.DB.DB, log)
	followers, err := newFollowers(s, &about, cfg)
	if err != nil {
		return err
	}
	deliveries := &Deliveries{db: s.DB.DB, followers: followers}

	s.Migrations = migrations
	s.Background = append(s.Background, log.Run)
	for _, f := range followers {
		s.Background = append(s.Background, f.Run)
	}
	s.Background = append(s.Background, (&republisher{orders, deliveries, cfg.RepublishAfter}).Run)
	s.Handler = newHandler(s, pages, feed.New(log, about), orders, deliveries)
	return nil
}
