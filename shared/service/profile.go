package service

import (
	"net/http"
	"runtime"
	"runtime/pprof"
	"strconv"
	"time"
)

// profiled answers /debug/pprof/profile?seconds=n with a profile of how the processor's time is spent in the next n seconds, 1 to 30, and
// /debug/pprof/heap with one of what is held in memory, as net/http/pprof does; it leaves everything else to h. Like /metrics they are on
// the service's own port only.
func profiled(h http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		switch r.URL.Path {
		case "/debug/pprof/profile":
			profileProcessor(w, r)
		case "/debug/pprof/heap":
			runtime.GC() // what is garbage already is not held,
			runtime.GC() // nor what a sync.Pool keeps until the next time but one
			_ = pprof.Lookup("heap").WriteTo(w, 0)
		default:
			h.ServeHTTP(w, r)
		}
	})
}

func profileProcessor(w http.ResponseWriter, r *http.Request) {
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
}
