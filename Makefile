# The commands of this repository. `make` alone lists them, from the comments behind ##.

.PHONY: help run up down service proof check test screenshots bench
.DEFAULT_GOAL := help

help:
	@echo 'make COMMAND [PORT=8080] [ORDER=1] [INVOICING=1] [SHIPPING=1] ...    port of the front door, instances of each service'
	@echo
	@sed -n 's/^\([a-z]*\):.*## /\1	/p' $(MAKEFILE_LIST) | expand -t 13

run: ## start the whole system without Docker and keep it in the foreground; Ctrl-C stops it
	@tools/install.sh run
	@go build -buildvcs=false -o .run/bin/run ./tools/run
	@exec .run/bin/run

up: ## start the whole system in Docker, in the background
	@docker/up.sh

down: ## stop the system in Docker; the orders stay
	@cd docker && if docker compose version >/dev/null 2>&1; then docker compose down --remove-orphans; else docker-compose down --remove-orphans; fi

service: ## create a service from the skeleton: make service NAME=points
	@go build -buildvcs=false -o .run/bin/service ./tools/newservice
	@.run/bin/service

proof: ## run many writers and many faults, then check every promise: ORDERS=2000 MINUTES=1 SEED=1
	@tools/install.sh run
	@go build -buildvcs=false -o .run/bin/proof ./tools/proof
	@exec .run/bin/proof

# All modules of the workspace. Services and shared packages also compile on systems that CI does not run on.
MODULES = ./... ./tools/... ./e2e/... $(patsubst %/go.mod,./%/...,$(wildcard examples/*/go.mod))

check: ## run formatting, vet, staticcheck and the tests of services and shared packages, in under a minute
	@unformatted=$$(gofmt -l .) && test -z "$$unformatted" || { echo "run gofmt -w on:" $$unformatted; exit 1; }
	go vet work
	go tool staticcheck $(MODULES)
	GOOS=darwin GOARCH=arm64 go build ./...
	GOOS=linux GOARCH=arm64 go build ./...
	GOOS=windows GOARCH=amd64 go build ./...
	@go build -buildvcs=false -o .run/bin/pgserver ./shared/postgres/pgtest/server
	.run/bin/pgserver go test $(TESTFLAGS) ./... $(filter ./examples/%,$(MODULES)) $(TESTS)

test: ## run every test: unit, database, end to end with and without Docker, browser
	tools/install.sh test
	$(MAKE) --no-print-directory check TESTFLAGS='-race -timeout 60m' TESTS=./tools/...
	cd e2e && go test -count=1 -parallel 3 -timeout 3h ./...
	@grep '^skipped' e2e/artifacts/engine-tests.txt || true

screenshots: ## take the screenshots of the README, docs/screenshots/
	@tools/install.sh test
	@mkdir -p docs/screenshots
	@cd e2e && SCREENSHOTS=$(CURDIR)/docs/screenshots go test -count=1 -run TestScreenshots .

bench: ## measure the system beside its yardsticks, docs/performance.md: ONLY=feed for one part, QUICK=1 for a dry run
	@tools/install.sh run
	@go build -buildvcs=false -o .run/bin/bench ./tools/bench
	@exec .run/bin/bench
