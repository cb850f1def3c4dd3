package main

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"syscall"
	"time"
)

// What the front door costs: balancing, headers and limits beside an Apache that only forwards, its cache beside a static file.

const doorText = `Two Apaches of the same build in front of one instance of order: the front door as it is, and one whose whole configuration is *ProxyPass*, which keeps its
connections to the service as the front door does, and a folder of files. Both are asked over 64 connections. What is forwarded comes from a program that has it ready, so that
Apache is measured. The file is sent as Apache sends files by default, without *EnableSendfile*; with it, a file takes less of the processor than a document from the cache.`

// plainApache does nothing but forward and serve files. It does not look for .htaccess in every folder on the way to a file: nor does the
// front door, nor Apache as Debian sets it up, and a file would lose by it what has nothing to do with the cache.
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

func doorPart(ctx context.Context, b *bench) error {
	dir := filepath.Join(b.dir, "plain")
	if err := os.MkdirAll(dir, 0o755); err != nil {
		return err
	}
	at := b.system.Instance("order-1").Addr
	plain, err := b.plainApache(dir, at)
	if err != nil {
		return err
	}
	defer plain.stop()
	if err := b.system.Apache().Up(); err != nil {
		return err
	}
	defer b.system.Apache().Down()
	door := b.system.URL()[len("http://"):]
	if err := b.forwarded(ctx, door, plain.addr, at); err != nil {
		return err
	}
	return b.kept(ctx, door, plain.addr, dir, at)
}

// forwarded compares what both forward from a program that has its answer ready.
func (b *bench) forwarded(ctx context.Context, door, plain, at string) error {
	file := filepath.Join(b.dir, "order.json")
	if err := os.WriteFile(file, []byte(aSnapshot), 0o644); err != nil {
		return err
	}
	instance, err := b.yardstick(ctx, "bytes", file, "ADDR="+at)
	if err != nil {
		return err
	}
	defer instance.stop()
	ask := func(addr string) measure {
		return load{addr, fixed("/order/1"), "Accept: application/json\r\n", http.StatusOK, 64}.perSecond
	}
	if err := errors.Join(answers(ctx, door, "/order/1"), answers(ctx, plain, "/order/1")); err != nil {
		return err
	}
	p, err := b.alternate(ctx, "forwarded", ask(door), ask(plain))
	if err != nil {
		return err
	}
	b.compare(fmt.Sprintf("an order as JSON, %d bytes, forwarded", len(aSnapshot)), "/s", p, "an Apache with ProxyPass and nothing else", atLeast(0.8))
	return nil
}

// kept compares an archived document from the front door's cache with the same bytes from a file.
func (b *bench) kept(ctx context.Context, door, plain, dir, at string) error {
	database, err := b.database(ctx)
	if err != nil {
		return err
	}
	order, err := b.service(ctx, "order", database, "ADDR="+at)
	if err != nil {
		return err
	}
	defer order.stop()
	if err := b.fill(ctx, database, 1, 250); err != nil {
		return err
	}
	if err := answers(ctx, door, "/order/feed/1"); err != nil {
		return err
	}
	header := "Accept: application/atom+xml\r\n"
	_, document, err := get(ctx, "http://"+door+"/order/feed/1", "Accept", "application/atom+xml", "Accept-Encoding", "identity")
	if err != nil {
		return err
	}
	if err := os.WriteFile(filepath.Join(dir, "document"), document, 0o644); err != nil {
		return err
	}
	p, err := b.alternate(ctx, "kept", load{door, fixed("/order/feed/1"), header, http.StatusOK, 64}.perSecond, load{plain, fixed("/document"), header, http.StatusOK, 64}.perSecond)
	if err != nil {
		return err
	}
	b.compare(fmt.Sprintf("archived document from Apache's cache, %.0f kB", float64(len(document))/1000), "/s", p, "the same bytes, a static file of Apache", atLeast(1))
	return nil
}

// plainApache starts an Apache that forwards to a service, and has its files in dir.
func (b *bench) plainApache(dir, service string) (*process, error) {
	addr, err := freeAddr()
	if err != nil {
		return nil, err
	}
	config := fmt.Sprintf(plainApache, addr, dir, service)
	if os.Geteuid() == 0 {
		config += "User www-data\nGroup www-data\n"
	}
	file := filepath.Join(dir, "httpd.conf")
	if err := os.WriteFile(file, []byte(config), 0o644); err != nil {
		return nil, err
	}
	cmd := exec.Command("/usr/sbin/apache2", "-f", file, "-D", "FOREGROUND")
	cmd.SysProcAttr = &syscall.SysProcAttr{Pdeathsig: syscall.SIGTERM}
	if err := cmd.Start(); err != nil {
		return nil, err
	}
	return &process{cmd: cmd, addr: addr}, nil
}

// answers waits until a path is answered by 200.
func answers(ctx context.Context, addr, path string) error {
	ctx, cancel := context.WithTimeout(ctx, 30*time.Second)
	defer cancel()
	for {
		status, _, err := get(ctx, "http://"+addr+path)
		if err == nil && status == http.StatusOK {
			return nil
		}
		select {
		case <-ctx.Done():
			return fmt.Errorf("%s%s: status %d, %w", addr, path, status, err)
		case <-time.After(20 * time.Millisecond):
		}
	}
}
