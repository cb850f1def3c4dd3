# The system's commands. `make` alone lists them.

ORDER     ?= 1
INVOICING ?= 1
SHIPPING  ?= 1
PORT      ?= 8080
export ORDER INVOICING SHIPPING PORT

.PHONY: help run up down test
.DEFAULT_GOAL := help

help:
	@echo 'make COMMAND [ORDER=1] [INVOICING=1] [SHIPPING=1] [PORT=8080]    (instances of each service, port of the front door)'
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

test: ## all tests: unit, database, end to end with and without Docker, browser
	e2e/install.sh test
	go vet ./... ./e2e/...
	@echo 'gofmt -l .' && unformatted=$$(gofmt -l .) && test -z "$$unformatted" || { echo "$$unformatted"; exit 1; }
	go test -race -timeout 20m ./...
	cd e2e && go test -timeout 30m ./...
