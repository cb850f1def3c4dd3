# The system's commands. `make` alone lists them.

PORT ?= 8080
export PORT

.PHONY: help run up down service proof test screenshots bench
.DEFAULT_GOAL := help

help:
	@echo 'make COMMAND [PORT=8080] [ORDER=1] [INVOICING=1] [SHIPPING=1] ...    (port of the front door, instances of each service)'
	@echo
	@sed -n 's/^\([a-z]*\):.*## /\1	/p' $(MAKEFILE_LIST) | expand -t 8

run: ## the whole system on this machine without Docker, until Ctrl-C
	@e2e/install.sh run
	@go build -buildvcs=false -o .run/bin/run ./e2e/run
	@exec .run/bin/run

up: ## the whole system in Docker, in the background
	@docker/up.sh

down: ## stop what `make up` started
	@docker/down.sh

service: ## a new service beside the others, from a skeleton: make service NAME=points
	@go build -buildvcs=false -o .run/bin/service ./e2e/service
	@.run/bin/service

proof: ## the system on trial, ORDERS=2000 MINUTES=1 SEED=1: many writers, many faults, every promise checked
	@e2e/install.sh run
	@go build -buildvcs=false -o .run/bin/proof ./e2e/proof/run
	@exec .run/bin/proof

test: ## all tests: unit, database, end to end with and without Docker, browser
	e2e/install.sh test
	go vet work
	@echo 'gofmt -l .' && unformatted=$$(gofmt -l .) && test -z "$$unformatted" || { echo "$$unformatted"; exit 1; }
	go test -race -timeout 20m ./... $(patsubst %/go.mod,./%/...,$(wildcard examples/*/go.mod))
	cd e2e && go test -timeout 75m ./...

screenshots: ## the pictures of the README, in docs/screenshots/
	@e2e/install.sh test
	@mkdir -p docs/screenshots
	@cd e2e && SCREENSHOTS=$(CURDIR)/docs/screenshots go test -count=1 -run TestScreenshots .

bench: ## how fast it is, beside its yardsticks: docs/performance.md. ONLY=feed for one part, QUICK=1 to see that it works
	@e2e/install.sh run
	@go build -buildvcs=false -o .run/bin/bench ./e2e/bench
	@exec .run/bin/bench
