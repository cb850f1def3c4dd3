package system

import (
	"bufio"
	"fmt"
	"io"
	"sync"
)

// Everything that the programs say goes to one writer, whole lines only, each with the name of the one who said it.

type output struct {
	mu sync.Mutex
	w  io.Writer
}

// line writes one line said by name.
func (o *output) line(name, text string) {
	o.mu.Lock()
	defer o.mu.Unlock()
	fmt.Fprintf(o.w, "%-11s | %s\n", name, text)
}

// copy passes on the lines of r until it ends, without those that drop chooses.
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
