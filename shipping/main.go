// Shipping follows the feed of orders and writes a shipment for each.
package main

import (
	"embed"

	"msatom/shared/feed"
	"msatom/shared/feed/feedweb"
	"msatom/shared/page"
	"msatom/shared/poll"
	"msatom/shared/poll/pollweb"
	"msatom/shared/postgres"
	"msatom/shared/service"
	"msatom/shared/web"
)

//go:embed migrations/*.sql pages/*.html
var files embed.FS

func main() {
	var cfg poll.Source
	service.Main("shipping", &cfg, func(s *service.Service) error {
		pages := page.New(s.Name, s.Instance, files)
		log := newLog(s.DB, pages)
		poller, err := poll.New(s.DB.DB, poll.Config{Source: cfg, Feed: "order", Record: "shipment", Instance: s.Instance}, consumer(s.Instance, log))
		if err != nil {
			return err
		}
		s.Migrations = []postgres.Migration{poll.Migration(), feed.Migration(), postgres.Files("shipping", files)}
		s.Background = append(s.Background, log.Run, poller.Run)

		e := web.New(web.Options{Service: s.Name, Instance: s.Instance, Pages: pages, Ready: s.DB.Ready})
		(&shipmentWeb{shipments: &Shipments{db: s.DB.DB}, polling: pollweb.New(e, s.Name, poller)}).routes(e)
		feedweb.New(e, log)
		s.Handler = e
		return nil
	})
}
