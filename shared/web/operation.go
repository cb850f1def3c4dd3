package web

import (
	"fmt"
	"maps"
	"net"
	"net/http"
	"time"

	"github.com/VictoriaMetrics/metrics"
	"github.com/labstack/echo/v4"
)

// operation adds the addresses for operators and orchestrators: liveness, readiness, metrics. The front door does not forward them.
func operation(e *echo.Echo, o Options) {
	Get(e, "/healthz", func(c echo.Context) error {
		return c.JSON(http.StatusOK, map[string]string{"status": "alive", "instance": o.Instance})
	})
	Get(e, "/readyz", func(c echo.Context) error {
		if ok, why := o.Ready(); !ok {
			return c.JSON(http.StatusServiceUnavailable, map[string]string{"status": "waiting", "instance": o.Instance, "database": why})
		}
		answer := map[string]any{"status": "ready", "instance": o.Instance}
		if o.Detail != nil {
			maps.Copy(answer, o.Detail())
		}
		return c.JSON(http.StatusOK, answer)
	})
	metrics.ExposeMetadata(true)
	Get(e, "/metrics", func(c echo.Context) error {
		c.Response().Header().Set(echo.HeaderContentType, "text/plain; version=0.0.4; charset=utf-8")
		metrics.WritePrometheus(c.Response(), true)
		return nil
	})
}

// Healthcheck returns an error unless the service that listens at addr on this machine is ready. A container without a shell calls
// it through the program itself.
func Healthcheck(addr string) error {
	_, port, err := net.SplitHostPort(addr)
	if err != nil {
		return err
	}
	client := http.Client{Timeout: 3 * time.Second}
	r, err := client.Get("http://" + net.JoinHostPort("127.0.0.1", port) + "/readyz")
	if err != nil {
		return err
	}
	defer r.Body.Close()
	if r.StatusCode != http.StatusOK {
		return fmt.Errorf("not ready: %s", r.Status)
	}
	return nil
}
