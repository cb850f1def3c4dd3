package service

import (
	"net/http"
	"runtime/pprof"
	"strconv"
	"time"
)

// profiled answers /debug/pprof/profile?seconds=n with a profile of how the processor's time is spent in the next n seconds, 1 to 30, as
// net/http/pprof does, and leaves everything else to h. Like /metrics it is on the service's own port only.
func profiled(h http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.URL.Path != "/debug/pprof/profile" {
			h.ServeHTTP(w, r)
			return
		}
		seconds, err := strconv.Atoi(r.URL.Query().Get("seconds"))
		if err != nil || seconds < 1 || seconds > 30 {
			http.Error(w, "seconds: 1 to 30", http.StatusUnprocessableEntity)
			return
		}
		if err := pprof.StartCPUProfile(w); err != nil {
			http.Error(w, err.Error(), http.StatusConflict) // somebody else takes one
			return
		}
		defer pprof.StopCPUProfile()
		select {
		case <-time.After(time.Duration(seconds) * time.Second):
		case <-r.Context().Done():
		}
	})
}
