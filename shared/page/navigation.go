package page

import "slices"

// This file makes the navigation of every page: links to all services of the system and to the feed that this service follows.

// Entry is a link: of the navigation, or to a feed.
type Entry struct {
	Title, Path string
	Here        bool // it leads to the current page or its section
}

// Among sets the services of the system, in the order of the navigation. Without it, the navigation contains this service and the
// publisher.
func (s *Set) Among(services []string) *Set {
	s.services = services
	return s
}

// Follows sets the publisher: the service whose feed this one follows. Without it, the service is its own publisher.
func (s *Set) Follows(publisher string) *Set {
	s.publisher = publisher
	return s
}

func (s *Set) navigation(page string) (entries, feeds []Entry) {
	services := slices.Clone(s.services)
	if !slices.Contains(services, s.publisher) {
		services = slices.Insert(services, 0, s.publisher)
	}
	if !slices.Contains(services, s.service) {
		services = append(services, s.service)
	}
	feed := Entry{Title: "Feed", Path: "/" + s.publisher + "/feed", Here: s.service == s.publisher && page == "feed"}
	for _, name := range services {
		entries = append(entries, Entry{Title: Title(name), Path: "/" + name + "/", Here: name == s.service && !feed.Here})
	}
	feeds = []Entry{{Title: Title(s.service), Path: "/" + s.service + "/feed"}}
	if s.service != s.publisher {
		feeds = append(feeds, Entry{Title: Title(s.publisher), Path: feed.Path})
	}
	return append(entries, feed), feeds
}
