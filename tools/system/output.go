package system

import (
	"bufio"
	"fmt"
	"io"
	"sync"
)

// output collects what all programs write: whole lines, each with the name of its program.
type output struct {
	mu sync.Mutex
	w  io.Writer
}

func (o *output) line(name, text string) {
	o.mu.Lock()
	defer o.mu.Unlock()
	fmt.Fprintf(o.w, "%-11s | %s\n", name, text)
}

// copy copies the lines of r until it ends, without those that drop reports. A line longer than 64 kB is split.
func (o *output) copy(name string, r io.ReadCloser, drop func(line string) bool) {
	defer r.Close()
	lines := bufio.NewReaderSize(r, 64<<10)
	for {
		line, _, err := lines.ReadLine()
		if err != nil {
			return
		}
		if drop == nil || !drop(string(line)) {
			o.line(name, string(line))
		}
	}
}
