package e2e

import (
	"fmt"
	"os"
	"path/filepath"
	"testing"

	"github.com/chromedp/cdproto/emulation"
	"github.com/chromedp/chromedp"

	"msatom/tools/system"
)

// TestScreenshots takes the screenshots of the README into the folder named by SCREENSHOTS: `make screenshots`.
func TestScreenshots(t *testing.T) {
	folder := os.Getenv("SCREENSHOTS")
	if folder == "" {
		t.Skip("make screenshots runs it")
	}
	s := run(t, system.Config{Scale: map[string]int{"order": 2, "invoicing": 2, "shipping": 2}, Env: []string{"POLL_SCHEDULE=@every 1s", "POLL_WAIT=0s"}})
	client, w := visit(t, s.URL()), browse(t, s.URL())
	var last int64
	for i := range 30 {
		id := client.mustPlace(fmt.Sprint("picture ", i), 1+i%7)
		eventually(t, "the order has arrived", patience, func() bool {
			return client.exists(fmt.Sprint("/invoicing/", id)) && client.exists(fmt.Sprint("/shipping/", id))
		})
		last = id
	}
	take := func(name string, width, height int64, scheme string) {
		t.Helper()
		set(w, emulation.SetEmulatedMedia, emulation.SetEmulatedMediaParams{Features: []*emulation.MediaFeature{{Name: "prefers-color-scheme", Value: scheme}}})
		do(w, "resize", chromedp.EmulateViewport(width, height))
		picture := do(w, "picture", chromedp.CaptureScreenshot())
		if len(picture) > 150_000 {
			t.Errorf("%s has %d bytes", name, len(picture))
		}
		if err := os.WriteFile(filepath.Join(folder, name+".png"), picture, 0o644); err != nil {
			t.Fatal(err)
		}
	}
	w.open("/")
	w.until("#acknowledged + p", func(text string) bool { return text != "" })
	take("front", 1100, 900, "light")
	w.open(fmt.Sprint("/order/form.html?order=", last))
	w.push("Duplicate line 1")
	take("form", 1100, 900, "light")
	w.open(fmt.Sprint("/order/", last))
	w.shows("#progress [role=status]", fmt.Sprintf("All consumers have processed order %d.", last))
	take("order", 1100, 760, "dark")
	w.open(fmt.Sprint("/invoicing/", last))
	take("invoice", 400, 800, "light")
}
