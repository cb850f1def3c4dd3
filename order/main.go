// Order takes orders in its web pages and over JSON, and publishes what happens to them as a feed.
//
// The story of an order goes on in feed.go (how it is published), shared/poll/poller.go (how a consumer reads it) and
// invoicing/consumer.go (how it becomes an invoice).
package main

import (
	"embed"

	"msatom/shared/feed"
	"msatom/shared/feed/feedweb"
	"msatom/shared/page"
	"msatom/shared/poll"
	"msatom/shared/postgres"
	"msatom/shared/service"
	"msatom/shared/web"
)

//go:embed migrations/*.sql pages/*.html
var files embed.FS

func main() {
	var cfg config
	service.Main("order", &cfg, func(s *service.Service) error { return wire(s, cfg) })
}

// wire puts the service together.
func wire(s *service.Service, cfg config) error {
	pages := page.New(s.Name, s.Instance, files).Among(s.Services)
	log := newLog(s.DB, pages)
	log.MaxAge = s.FeedMaxAge
	orders := newOrders(s.DB.DB, log)
	catalog := &Catalog{db: s.DB.DB}
	followers, err := newFollowers(s, log, cfg)
	if err != nil {
		return err
	}
	deliveries := &Deliveries{db: s.DB.DB, followers: followers}

	s.Migrations = []postgres.Migration{feed.Migration(), poll.Migration(), postgres.Files("order", files)}
	s.Seed = catalog.Seed
	s.Background = append(s.Background, log.Run)
	for _, f := range followers {
		s.Background = append(s.Background, f.Run)
	}
	if cfg.RepublishAfter > 0 && len(followers) > 0 {
		s.Background = append(s.Background, (&republisher{orders, deliveries, cfg.RepublishAfter}).Run)
	}

	e := web.New(web.Options{Service: s.Name, Instance: s.Instance, Pages: pages, Ready: s.DB.Ready})
	(&orderWeb{orders: orders, catalog: catalog, log: log, deliveries: deliveries, page: "html-" + pages.Tag()}).routes(e)
	(&deliveriesWeb{orders: orders, deliveries: deliveries, overview: newOverview(s.DB.DB, deliveries, s.Instance)}).routes(e)
	(&catalogWeb{catalog: catalog}).routes(e)
	feedweb.New(e, log, "/feed") // /feed is the original's address
	s.Handler = e
	return nil
}
