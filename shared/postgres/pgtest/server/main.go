// The program server runs a command beside a Postgres server for its tests:
//
//	go run ./shared/postgres/pgtest/server go test ./...
//
// It stops the server when the command ends, and ends with 1 if the command failed.
package main

import (
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"os/signal"
	"syscall"

	"msatom/shared/postgres/pgtest"
)

func main() {
	if err := run(os.Args[1:]); err != nil {
		fmt.Fprintln(os.Stderr, "server:", err)
		os.Exit(1)
	}
}

func run(command []string) error {
	if len(command) == 0 {
		return errors.New("usage: server COMMAND [ARGUMENTS]")
	}
	ctx, forget := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	defer forget()
	url, stop, err := pgtest.Start()
	if err != nil {
		return err
	}
	defer stop() // the server is needed until the command has ended
	c := exec.CommandContext(ctx, command[0], command[1:]...)
	c.Cancel = func() error { return c.Process.Signal(syscall.SIGTERM) }
	c.Stdin, c.Stdout, c.Stderr = os.Stdin, os.Stdout, os.Stderr
	c.Env = append(os.Environ(), pgtest.Variable+"="+url)
	return c.Run()
}
