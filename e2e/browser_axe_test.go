package e2e

import (
	"fmt"
	"io"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"github.com/chromedp/chromedp"
)

// axe is axe-core, the accessibility checker, as a JavaScript string literal. Chromium contains it: the Lighthouse panel of its developer
// tools has the whole program as one string.
var axe struct {
	sync.Once
	literal string
	err     error
}

// findAxe starts a browser that serves its developer tools, and reads axe from them.
func findAxe() (string, error) {
	profile, err := os.MkdirTemp("", "msatom-axe-")
	if err != nil {
		return "", err
	}
	browser := exec.Command(chromium(), "--headless", "--no-sandbox", "--disable-gpu", "--no-first-run", "--remote-debugging-port=0", "--user-data-dir="+profile, "about:blank")
	browser.SysProcAttr = &syscall.SysProcAttr{Setpgid: true}
	if err := browser.Start(); err != nil {
		return "", err
	}
	defer func() {
		syscall.Kill(-browser.Process.Pid, syscall.SIGKILL)
		browser.Wait()
		os.RemoveAll(profile)
	}()
	var port []byte
	for end := time.Now().Add(patience); len(port) == 0; time.Sleep(50 * time.Millisecond) {
		if port, err = os.ReadFile(filepath.Join(profile, "DevToolsActivePort")); len(port) == 0 && time.Now().After(end) {
			return "", fmt.Errorf("the browser does not come up: %w", err)
		}
	}
	number, _, _ := strings.Cut(string(port), "\n")
	client := http.Client{Timeout: patience}
	resp, err := client.Get("http://127.0.0.1:" + number + "/devtools/third_party/lighthouse/lighthouse-dt-bundle.js")
	if err != nil {
		return "", err
	}
	defer resp.Body.Close()
	b, err := io.ReadAll(io.LimitReader(resp.Body, 20<<20))
	if err != nil {
		return "", err
	}
	bundle := string(b)
	begin := strings.Index(bundle, "`/*! axe v")
	if begin < 0 {
		return "", fmt.Errorf("%s: no axe in %d bytes", resp.Status, len(bundle))
	}
	for end := begin + 1; end < len(bundle); end++ {
		switch bundle[end] {
		case '\\':
			end++
		case '`':
			return bundle[begin : end+1], nil
		}
	}
	return "", fmt.Errorf("axe has no end")
}

// accessible runs axe's rules for WCAG 2.2 AA, and its best practices, on the current page.
func (w *window) accessible(what string) {
	w.t.Helper()
	axe.Do(func() { axe.literal, axe.err = findAxe() })
	if axe.err != nil {
		w.fail("axe: %v", axe.err)
	}
	if !do(w, "look for axe", chromedp.Evaluate[bool]("typeof axe === 'object'")) {
		do(w, "bring axe", chromedp.Evaluate[any]("void eval("+axe.literal+")"))
	}
	for _, fault := range do(w, "run axe", chromedp.Evaluate[[]string](`axe.run({runOnly: ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa", "best-practice"]}).then(r =>
		r.violations.flatMap(v => v.nodes.map(n => v.id + ": " + v.help + ": " + n.html.slice(0, 160) + " " + (n.any[0]?.message ?? ""))))`, chromedp.EvalAwaitPromise)) {
		w.t.Errorf("%s: %s", what, fault)
	}
}

// The checkers find the faults of a page that is made to have them.
func lookForFaults(t *testing.T, base string) {
	w := browse(t, base)
	w.open("/order/form.html")
	do(w, "break the page", chromedp.Evaluate[any](`document.querySelector("label[for=customer]").remove(); document.documentElement.lang = ""; null`))
	quiet := &window{t: &collector{TB: t}, ctx: w.ctx, base: base}
	quiet.accessible("broken")
	found := strings.Join(quiet.t.(*collector).faults, "\n")
	for _, rule := range []string{"label", "html-has-lang"} {
		if !strings.Contains(found, rule) {
			t.Errorf("axe does not find %s, but:\n%s", rule, found)
		}
	}
}

// collector records failures that a test expects.
type collector struct {
	testing.TB
	faults []string
}

func (c *collector) Errorf(format string, args ...any) {
	c.faults = append(c.faults, fmt.Sprintf(format, args...))
}
