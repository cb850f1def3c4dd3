package e2e

import (
	"bytes"
	"fmt"
	"net/mail"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"msatom/tools/system"
)

// Third-party feed readers follow the feed as it grows and receive every entry exactly once. newsboat keeps articles in a database,
// rss2email delivers each one as a mail into a folder. Both remember what they have seen and send conditional requests.
func TestFeedReadersFollow(t *testing.T) {
	t.Parallel()
	s := run(t, system.Config{Scale: map[string]int{"order": 2}, Env: []string{"POLL_SCHEDULE=@every 1h", "LOG_LEVEL=warn"}})
	shop := visit(t, s.URL())
	home := t.TempDir()
	write := func(name, text string) string {
		file := filepath.Join(home, name)
		if err := os.WriteFile(file, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
		return file
	}
	reader := func(name string, args ...string) string {
		t.Helper()
		cmd := exec.CommandContext(t.Context(), name, args...)
		cmd.Dir, cmd.Env = home, append(os.Environ(), "HOME="+home, "XDG_CONFIG_HOME="+home, "XDG_DATA_HOME="+home, "LC_ALL=C.UTF-8")
		out, err := cmd.CombinedOutput()
		if err != nil {
			t.Fatalf("%v: %v\n%s", cmd.Args, err, out)
		}
		return string(out)
	}
	feed := s.URL() + "/order/feed"
	newsboat := func(command string) string {
		return reader("newsboat", "-q", "-u", write("urls", feed+"\n"), "-c", filepath.Join(home, "cache.db"), "-C", write("config", "max-items 0\n"), "-x", command)
	}
	mails := filepath.Join(home, "mails")
	for _, dir := range []string{"cur", "new", "tmp"} {
		if err := os.MkdirAll(filepath.Join(mails, dir), 0o700); err != nil {
			t.Fatal(err)
		}
	}
	write("rss2email.cfg", fmt.Sprintf(`[DEFAULT]
from = feed@example.com
to = reader@example.com
email-protocol = maildir
maildir-path = %s
maildir-mailbox =
trust-guid = True

[feed.orders]
url = %s
`, mails, feed))

	placed := 0
	for _, more := range []int{1, 60, 0, 60, 35} {
		for range more {
			shop.mustPlace(fmt.Sprint("readers ", placed), 1)
			placed++
		}
		shop.settled()
		newsboat("reload")
		reader("r2e", "-c", "rss2email.cfg", "-d", "rss2email.json", "run")
		if got, want := strings.TrimSpace(newsboat("print-unread")), fmt.Sprintf("%d unread articles", placed); got != want {
			t.Errorf("newsboat: %s, want %s", got, want)
		}
		if files, err := os.ReadDir(filepath.Join(mails, "new")); err != nil || len(files) != placed {
			t.Errorf("rss2email: %d mails of %d, %v", len(files), placed, err)
		}
	}
	// One mail per order, and no other.
	files, err := filepath.Glob(filepath.Join(mails, "new", "*"))
	if err != nil {
		t.Fatal(err)
	}
	subjects := map[string]int{}
	for _, f := range files {
		text, err := os.ReadFile(f)
		if err != nil {
			t.Fatal(err)
		}
		m, err := mail.ReadMessage(bytes.NewReader(text))
		if err != nil {
			t.Fatal(err)
		}
		subjects[m.Header.Get("Subject")]++
	}
	for i := range placed {
		if title := fmt.Sprintf("Order %d", i+1); subjects[title] != 1 {
			t.Errorf("%q arrived %d times", title, subjects[title])
		}
	}
}
