// Package feed serves an event log over HTTP: in documents that never change once they are full, in several dialects (Atom,
// JSON Feed, RSS, CloudEvents, HTML) at the same addresses. The log itself is in package outbox.
//
// A request takes this path: the handlers in this file choose document and dialect; serve (serve.go) finds the document at
// the head of the log (document.go), waits for news if the reader prefers that (wait.go), restricts the document to the
// new entries (delta.go), renders it or takes it from the cache (cache.go), and writes the answer (conditional.go).
//
// The package guarantees: A full document never changes, in any dialect but HTML. A reader without news is answered without
// reading an entry. Errors are those of package problem.
package feed

import (
	"fmt"
	"strconv"
	"strings"
	"sync/atomic"

	"github.com/VictoriaMetrics/metrics"
	"github.com/labstack/echo/v4"

	"msatom/shared/outbox"
	"msatom/shared/page"
	"msatom/shared/problem"
	"msatom/shared/web"
)

// Feed is the feed of a service.
type Feed struct {
	About
	log     *outbox.Log
	cache   *cache
	waiting atomic.Int64 // requests that wait for news
}

// About describes a feed and its entries.
type About struct {
	Name     string // of the service; part of the ids of the feed and its entries
	Path     string // address of the recent document; document n is at Path/n
	Home     string // address of the page that lists the same records
	Title    string
	Subtitle string
	Author   string
	Pages    *page.Set // of the service, for the HTML dialect
	MaxAge   uint      // for how many seconds caches may keep the recent document without revalidation
	Origins  []string  // of pages elsewhere that may read the feed; "*" stands for all

	// Describe returns the title and the summary of an entry, and the path of its record, which is a page and JSON.
	Describe func(outbox.Entry) (title, summary, path string)
}

// New returns the feed of a log.
func New(log *outbox.Log, about About) *Feed {
	f := &Feed{About: about, log: log, cache: newCache()}
	metrics.GetOrCreateGauge(fmt.Sprintf("msatom_feed_waiting{feed=%q}", about.Name), func() float64 { return float64(f.waiting.Load()) })
	return f
}

// Routes registers the addresses of the feed: the recent document at Path and its aliases, document n at Path/n.
func (f *Feed) Routes(e *echo.Echo, aliases ...string) {
	for _, path := range append([]string{f.Path}, aliases...) {
		web.GetFrom(f.Origins, e, path, f.getRecent)
	}
	web.GetFrom(f.Origins, e, f.Path+"/:n", f.getDocument)
}

// getRecent answers in any dialect. A query of http-feeds has one answer, CloudEvents, even for a client that accepts only
// plain JSON.
func (f *Feed) getRecent(c echo.Context) error {
	events := CloudEvents.Types[0]
	isQuery := c.Request().URL.RawQuery != "" && asksForEvents(c.QueryParams())
	offers := types
	if isQuery {
		offers = []string{events, web.JSON}
	}
	mediaType, err := web.Negotiate(c, offers...)
	if err != nil {
		return err
	}
	if isQuery || mediaType == events {
		return f.serveEvents(c.Response(), c.Request(), mediaType)
	}
	return f.Serve(c.Response(), c.Request(), 0, mediaType)
}

func (f *Feed) getDocument(c echo.Context) error {
	n, err := strconv.ParseInt(c.Param("n"), 10, 64)
	if err != nil || n < 1 || strconv.FormatInt(n, 10) != c.Param("n") {
		return problem.NotFound("Documents of the feed are numbered 1, 2, 3, ...")
	}
	mediaType, err := web.Negotiate(c, types...)
	if err != nil {
		return err
	}
	return f.Serve(c.Response(), c.Request(), n, mediaType)
}

// authority is a domain that nobody can own and the year in which nobody did: RFC 4151 requires both in a tag URI.
const authority = "msatom.example,2026"

// ID returns the id of the feed, an RFC 4151 tag URI. It contains the log's epoch, so a reader of any dialect notices when
// the log is a different one.
func (a *About) ID(epoch string) string { return "tag:" + authority + ":" + a.Name + "/" + epoch }

// EntryID returns the id of the entry at a position, a tag URI.
func (a *About) EntryID(epoch string, position int64) string {
	return a.ID(epoch) + "/" + strconv.FormatInt(position, 10)
}

// ParseEntryID is the inverse of EntryID. It reports false if id is not that of an entry of this feed, of any epoch.
func (a *About) ParseEntryID(id string) (epoch string, position int64, ok bool) {
	specific, isOurs := strings.CutPrefix(id, a.ID(""))
	epoch, digits, _ := strings.Cut(specific, "/")
	position, err := strconv.ParseInt(digits, 10, 64)
	ok = isOurs && len(epoch) == len("00000000-0000-0000-0000-000000000000") && err == nil && position > 0 && strconv.FormatInt(position, 10) == digits
	return epoch, position, ok
}
