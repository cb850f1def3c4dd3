package e2e

import (
	"context"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/chromedp/cdproto/emulation"
	"github.com/chromedp/cdproto/log"
	"github.com/chromedp/cdproto/network"
	"github.com/chromedp/cdproto/page"
	"github.com/chromedp/cdproto/runtime"
	"github.com/chromedp/chromedp"
	"github.com/chromedp/chromedp/kb"
)

// patience is the longest that a step in the browser, or an automatic update, may take on a slow machine.
const patience = 2 * time.Minute

// window is a browser with one window, used like a person does: it presses what a page shows and types into fields. An error in the console
// or a request to another host fails the test.
type window struct {
	t      testing.TB
	ctx    context.Context
	base   string
	status int64 // of the current page
	broken bool  // the test has stopped a part of the system
	plain  bool  // scripts are off

	mu      sync.Mutex
	asked   map[string]bool // requested by the user or the script: an error status there is no fault of the page
	strange []string
}

// browse opens a browser for the system at base. The end of the test closes it and removes its profile.
func browse(t testing.TB, base string) *window {
	t.Helper()
	profile, err := os.MkdirTemp("", "msatom-browser-")
	if err != nil {
		t.Fatal(err)
	}
	options := []chromedp.ExecAllocatorOption{chromedp.Headless, chromedp.NoSandbox, chromedp.DisableGPU, chromedp.NoFirstRun,
		chromedp.UserDataDir(profile), chromedp.WSURLReadTimeout(patience), chromedp.WindowSize(1280, 900)}
	for _, flag := range []string{"disable-quic", "disable-background-networking", "disable-component-update", "disable-sync",
		"disable-breakpad", "disable-dev-shm-usage", "hide-scrollbars"} {
		options = append(options, chromedp.Flag(flag, true))
	}
	options = append(options, chromedp.ExecPath(chromium()))
	allocator, cancelAllocator := chromedp.NewExecAllocator(context.Background(), options...)
	ctx, cancel := chromedp.NewContext(allocator)
	w := &window{t: t, ctx: ctx, base: base, asked: map[string]bool{}}
	t.Cleanup(func() {
		closing, done := context.WithTimeout(ctx, patience)
		defer done()
		if err := chromedp.Cancel(closing); err != nil {
			t.Logf("closing the browser: %v", err)
		}
		cancel()
		cancelAllocator()
		eventually(t, "the browser's profile is removed", patience, func() bool { return os.RemoveAll(profile) == nil })
		w.mu.Lock()
		defer w.mu.Unlock()
		for _, s := range w.strange {
			t.Error(s)
		}
	})
	if err := chromedp.Do(ctx); err != nil {
		t.Fatal(err)
	}
	if err := chromedp.Listen(ctx, w.notice); err != nil {
		t.Fatal(err)
	}
	return w
}

// chromium returns the path of the browser.
func chromium() string {
	for _, name := range []string{"chromium", "google-chrome"} {
		if path, err := exec.LookPath(name); err == nil {
			return path
		}
	}
	return "chromium"
}

// notice records what a good page does not do.
func (w *window) notice(event any) {
	w.mu.Lock()
	defer w.mu.Unlock()
	object := func(format string, args ...any) { w.strange = append(w.strange, fmt.Sprintf(format, args...)) }
	switch e := event.(type) {
	case *network.EventRequestWillBeSent:
		if e.Type == network.ResourceTypeDocument || e.Type == network.ResourceTypeFetch {
			w.asked[e.Request.URL] = true
		}
		if !strings.HasPrefix(e.Request.URL, w.base+"/") && !strings.HasPrefix(e.Request.URL, "data:") {
			object("%s makes the browser ask %s", e.DocumentURL, e.Request.URL)
		}
	case *log.EventEntryAdded:
		if !(e.Entry.Source == log.EntrySourceNetwork && w.asked[e.Entry.URL]) {
			object("the browser says: %s: %s (%s)", e.Entry.Level, e.Entry.Text, e.Entry.URL)
		}
	case *runtime.EventExceptionThrown:
		object("a script fails: %s", e.ExceptionDetails.Text)
	case *runtime.EventConsoleAPICalled:
		object("a script writes to the console: %s", e.Type)
	case *page.EventJavascriptDialogOpening:
		object("a script shows %q", e.Message)
	}
}

// do performs one step. It fails the test if that takes too long.
func do[T any](w *window, what string, action chromedp.Action[T]) T {
	w.t.Helper()
	ctx, cancel := context.WithTimeout(w.ctx, patience)
	defer cancel()
	v, err := chromedp.Run(ctx, action)
	if err != nil {
		w.fail("%s: %v", what, err)
	}
	return v
}

// fail ends the test with the text of the page, and saves a picture.
func (w *window) fail(format string, args ...any) {
	w.t.Helper()
	ctx, cancel := context.WithTimeout(w.ctx, patience)
	defer cancel()
	at, _ := chromedp.Run(ctx, chromedp.Location())
	text, _ := chromedp.Run(ctx, chromedp.Evaluate[string]("document.body.innerText"))
	if b, err := chromedp.Run(ctx, chromedp.FullScreenshot(100)); err == nil {
		w.keep("failed-"+strings.ReplaceAll(w.t.Name(), "/", "-"), b)
	}
	w.t.Fatalf("%s\n%s shows:\n%s", fmt.Sprintf(format, args...), at, text)
}

// load performs an action that loads another page, and waits for that page.
func (w *window) load(what string, steps ...chromedp.Action[chromedp.Void]) {
	w.t.Helper()
	ctx, cancel := context.WithTimeout(w.ctx, patience)
	defer cancel()
	r, err := chromedp.RunResponse(ctx, steps...)
	if err != nil {
		w.fail("%s: %v", what, err)
	}
	w.status = r.Status
	w.t.Logf("%s: %d %s", what, r.Status, strings.TrimPrefix(r.URL, w.base))
}

// open opens a path of the system.
func (w *window) open(path string) {
	w.t.Helper()
	w.load("open "+path, chromedp.Navigate(w.base+path))
	w.again()
}

// reload reloads the page.
func (w *window) reload() {
	w.t.Helper()
	w.load("reload", chromedp.Reload())
	w.again()
}

// again reloads a page that could not be made in time, on a slow machine, unless the test has stopped something.
func (w *window) again() {
	for n := 0; n < 5 && tooSlow(int(w.status)) && !w.broken; n++ {
		time.Sleep(time.Second)
		w.load("reload", chromedp.Reload())
	}
}

// press presses the link or button of that name and waits for the page that it loads.
func (w *window) press(name string) {
	w.t.Helper()
	w.load("press "+name, chromedp.Click(button(name)))
}

// button selects the link or button of that name.
func button(name string) chromedp.Search {
	return chromedp.Search(fmt.Sprintf(`//a[normalize-space()=%[1]s] | //button[@aria-label=%[1]s or (not(@aria-label) and normalize-space()=%[1]s)]`, quote(name)))
}

// push presses a button whose script changes the page.
func (w *window) push(name string) {
	w.t.Helper()
	do(w, "push "+name, chromedp.Click(button(name)))
}

// choose fills a field with the entry of its list that contains text.
func (w *window) choose(field, text string) {
	w.t.Helper()
	w.fill(field, w.entry(field, text))
}

// entry returns the first entry of a field's list that contains text.
func (w *window) entry(field, text string) string {
	w.t.Helper()
	entries := do(w, "list of "+field, chromedp.Evaluate[[]string](fmt.Sprintf("[...document.getElementsByName(%s)[0].list.options].map(o => o.value)", quote(field))))
	for _, e := range entries {
		if strings.Contains(e, text) {
			return e
		}
	}
	w.fail("%s offers no %q", field, text)
	return ""
}

// fill replaces the content of a field by text.
func (w *window) fill(field, text string) {
	w.t.Helper()
	do(w, "empty "+field, chromedp.Evaluate[any](fmt.Sprintf("document.getElementsByName(%s)[0].value = ''", quote(field))))
	do(w, "fill in "+field, chromedp.SendKeys(named(field), text))
}

// enter presses the Enter key in a field, which submits the form.
func (w *window) enter(field string) {
	w.t.Helper()
	w.load("press Enter in "+field, chromedp.SendKeys(named(field), kb.Enter))
}

// has fails the test unless a field has this value.
func (w *window) has(field, want string) {
	w.t.Helper()
	if got := do(w, "read "+field, chromedp.Value(named(field))); got != want {
		w.fail("%s is %q, want %q", field, got, want)
	}
}

// described returns the description of a field, as a screen reader reads it.
func (w *window) described(field string) string {
	w.t.Helper()
	return do(w, "read the description of "+field, chromedp.Evaluate[string](fmt.Sprintf(
		"document.getElementById(document.getElementsByName(%s)[0].getAttribute('aria-describedby'))?.innerText ?? ''", quote(field))))
}

// see fails the test unless the page has the status 200 and shows all of the texts.
func (w *window) see(texts ...string) {
	w.t.Helper()
	w.seeWith(200, texts...)
}

func (w *window) seeWith(status int64, texts ...string) {
	w.t.Helper()
	if w.status != status {
		w.fail("the page has the status %d, want %d", w.status, status)
	}
	shown := w.text("main")
	for _, s := range texts {
		if !strings.Contains(shown, s) {
			w.fail("the page does not show %q", s)
		}
	}
}

// text returns the visible text of an element.
func (w *window) text(selector string) string {
	w.t.Helper()
	return do(w, "read "+selector, chromedp.Evaluate[string](fmt.Sprintf("document.querySelector(%s).innerText.replace(/\\s+/g, ' ').trim()", quote(selector))))
}

// path returns the path of the current page.
func (w *window) path() string {
	w.t.Helper()
	return strings.TrimPrefix(do(w, "read the address", chromedp.Location()), w.base)
}

// script switches scripts on or off.
func (w *window) script(on bool) {
	w.t.Helper()
	w.plain = !on
	set(w, emulation.SetScriptExecutionDisabled, emulation.SetScriptExecutionDisabledParams{Value: !on})
}

// keep saves a picture.
func (w *window) keep(name string, png []byte) {
	if err := os.MkdirAll("artifacts", 0o755); err != nil {
		w.t.Fatal(err)
	}
	if err := os.WriteFile(filepath.Join("artifacts", name+".png"), png, 0o644); err != nil {
		w.t.Fatal(err)
	}
}

func named(field string) chromedp.CSS { return chromedp.CSS(fmt.Sprintf("[name=%q]", field)) }

// quote returns a literal for both XPath and JavaScript. Their escapes of a double quote differ, so text must not contain one.
func quote(s string) string {
	if strings.ContainsAny(s, `"\`) {
		panic("cannot be quoted: " + s)
	}
	return `"` + s + `"`
}
