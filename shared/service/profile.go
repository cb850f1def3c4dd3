package service

import (
	"net/http"
	"runtime"
	"runtime/pprof"
	"strconv"
	"time"
)

// profiled answers /debug/pprof/profile?seconds=n with a CPU profile of the next n seconds, 1 to 30, and /debug/pprof/heap with a heap
// profile, like net/http/pprof; it leaves everything else to h. Like /metrics, they are only on the service's own port.
func profiled(h http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		switch r.URL.Path {
		case "/debug/pprof/profile":
			profileCPU(w, r)
		case "/debug/pprof/heap":
			runtime.GC() // frees garbage,
			runtime.GC() // and what a sync.Pool kept through the first
			_ = pprof.Lookup("heap").WriteTo(w, 0)
		default:
			h.ServeHTTP(w, r)
		}
	})
}

func profileCPU(w http.ResponseWriter, r *http.Request) {
	seconds, err := strconv.Atoi(r.URL.Query().Get("seconds"))
	if err != nil || seconds < 1 || seconds > 30 {
		http.Error(w, "seconds: 1 to 30", http.StatusUnprocessableEntity)
		return
	}
	if err := pprof.StartCPUProfile(w); err != nil {
		http.Error(w, err.Error(), http.StatusConflict) // another profile is running
		return
	}
	defer pprof.StopCPUProfile()
	select {
	case <-time.After(time.Duration(seconds) * time.Second):
	case <-r.Context().Done():
	}
}
