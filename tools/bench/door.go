package main

import (
	"fmt"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"time"
)

// What the front door costs: its balancing, headers and limits beside an Apache that only forwards, its cache beside a static file.

// plainApache only forwards and serves files. Like the front door, it keeps its connections to the service and does not
// look for .htaccess in every folder.
const plainApache = `
LoadModule mpm_event_module  /usr/lib/apache2/modules/mod_mpm_event.so
LoadModule authz_core_module /usr/lib/apache2/modules/mod_authz_core.so
LoadModule proxy_module      /usr/lib/apache2/modules/mod_proxy.so
LoadModule proxy_http_module /usr/lib/apache2/modules/mod_proxy_http.so
Listen %[1]s
ServerName %[1]s
ServerRoot "%[2]s"
DefaultRuntimeDir "%[2]s"
PidFile "%[2]s/plain.pid"
ErrorLog /proc/self/fd/2
LogLevel error
StartServers 2
ServerLimit 16
ThreadLimit 256
ThreadsPerChild 256
MaxRequestWorkers 1024
MaxSpareThreads 1024
MaxKeepAliveRequests 1000
DocumentRoot "%[2]s"
<Directory />
    AllowOverride None
</Directory>
ProxyPass /order/ http://%[3]s/order/
`

func doorPart(b *bench) {
	behind := b.system.Instance("order-1").Addr
	plain := b.plainApache(filepath.Join(b.dir, "plain"), behind)
	defer plain.stop()
	check(b.system.Apache().Up())
	defer b.system.Apache().Down()
	b.forwarded(plain, behind)
	b.cached(plain, behind)
}

// forwarded compares what both forward from a program that has its response ready, so that Apache is measured and not the service.
func (b *bench) forwarded(plain *process, behind string) {
	file := filepath.Join(b.dir, "order.json")
	check(os.WriteFile(file, anOrder(2), 0o644))
	instance := b.yardstick("bytes", file, "ADDR="+behind)
	defer instance.stop()
	b.answers(b.system.URL() + "/order/1")
	b.answers(plain.url() + "/order/1")
	ask := func(url string) measure {
		return load{strings.TrimPrefix(url, "http://"), fixed("/order/1"), "Accept: application/json\r\n", http.StatusOK, 64}.bySocket
	}
	s := b.alternate("forwarded", 5, time.Second, ask(b.system.URL()), ask(plain.url()))
	b.compare(fmt.Sprintf("forwarded through Apache, %d bytes", len(anOrder(2))), "/s", s[0], s[1], "an Apache with ProxyPass alone", atLeast(0.8))
}

// cached compares an archived document from the front door's cache with the same bytes from a file.
func (b *bench) cached(plain *process, behind string) {
	order := b.order("ADDR=" + behind)
	defer order.stop()
	b.fill(order, 250)
	const path = "/order/feed/1"
	b.answers(b.system.URL() + path)
	document := b.read(b.system.URL()+path, "Accept", "application/atom+xml", "Accept-Encoding", "identity")
	check(os.WriteFile(filepath.Join(b.dir, "plain", "document"), document, 0o644))
	door := load{strings.TrimPrefix(b.system.URL(), "http://"), fixed(path), atom, http.StatusOK, 64}
	static := load{plain.addr, fixed("/document"), atom, http.StatusOK, 64}
	s := b.alternate("cached", 5, time.Second, door.bySocket, static.bySocket)
	b.compare(fmt.Sprintf("archived document from Apache's cache, %.0f kB", float64(len(document))/1000), "/s", s[0], s[1], "the same bytes as a static file", atLeast(1))
}

// plainApache starts an Apache that forwards to a service and has its files in dir.
func (b *bench) plainApache(dir, service string) *process {
	check(os.MkdirAll(dir, 0o755))
	addr := freeAddr()
	config := fmt.Sprintf(plainApache, addr, dir, service)
	if os.Geteuid() == 0 {
		config += "User www-data\nGroup www-data\n"
	}
	file := filepath.Join(dir, "httpd.conf")
	check(os.WriteFile(file, []byte(config), 0o644))
	cmd := exec.Command("/usr/sbin/apache2", "-f", file, "-D", "FOREGROUND")
	launch(cmd)
	return &process{cmd: cmd, addr: addr}
}
