# Gongji. `make` lists what there is; every target needs only Go, git and make, but race, which needs a C compiler.
.DEFAULT_GOAL := help
SHELL := /bin/bash
.SHELLFLAGS := -eu -o pipefail -c

GO       ?= go
GONGJI   := bin/gongji
VERSION  := $(shell git describe --always --dirty 2>/dev/null || echo unknown)
# The tag also turns on the invariants of Pebble, which uses the same name: wanted in tests, slower than the binary.
TAGS     := invariants
# No C anywhere but under the race detector: the tests run what the static binary runs.
export CGO_ENABLED := 0
FUZZTIME ?= 30s
# All packages but bench (load and tools, the longest tests) and codecs, none of which has a goroutine: engine runs these under the race detector.
RACE      = $$($(GO) list ./... | grep -vE '/bench(/|$$)|/engine/(command|journal)$$')
# Long sweeps over disk images, one goroutine each: `make test` runs them, under the race detector they took 5 minutes and show nothing more.
SWEEPS   := ^(TestCorruptionSweep|TestCrashEveryOperation|TestFreshWAL|TestReusedWAL|TestFaultsDie|TestCrash|TestStorageErrors|TestDamage)$$$$
# staticcheck, not golangci-lint: compiling that alone took 132 s on two cold cores, staticcheck 27 s.
STATICCHECK := honnef.co/go/tools/cmd/staticcheck@v0.8.2

.PHONY: help build run test race lint fuzz sim rules bench clean

help: ## list the targets
	@awk -F ':.*## ' '/^[a-z-]+:.*## /{printf "  %-8s %s\n", $$1, $$2}' $(MAKEFILE_LIST)

build: ## build bin/gongji, static
	$(GO) build -trimpath -buildvcs=false -ldflags '-X main.version=$(VERSION)' -o $(GONGJI) ./cmd/gongji

run: build ## build and serve the demo province on 127.0.0.1
	$(GONGJI) serve --demo

test: ## vet and all tests, with the costly invariants on
	$(GO) vet -tags $(TAGS) ./...
	$(GO) test -tags $(TAGS) ./...

race: ## tests under the race detector
	CGO_ENABLED=1 $(GO) test -race -short -skip '$(SWEEPS)' -tags $(TAGS) $(RACE)

lint: ## gofmt, go vet, staticcheck and the structure rules
	@unformatted=$$(git ls-files -z --deduplicate '*.go' | xargs -0 -r gofmt -l); if [ -n "$$unformatted" ]; then echo "not gofmt'd: $$unformatted"; exit 1; fi
	$(GO) vet ./...
	$(GO) run $(STATICCHECK) -tags $(TAGS) ./...
	$(GO) test ./bench/layout

fuzz: ## every fuzz function for FUZZTIME (30s)
	@found=0; for package in $$($(GO) list ./...); do \
	  listed=$$($(GO) test -tags $(TAGS) -list '^Fuzz' $$package); \
	  for target in $$(grep '^Fuzz' <<<"$$listed" || true); do \
	    found=1; echo "== $$package $$target"; \
	    $(GO) test -tags $(TAGS) -run '^$$' -fuzz "^$$target$$" -fuzztime $(FUZZTIME) $$package; \
	  done; \
	done; if [ $$found = 0 ]; then echo "no fuzz function found"; exit 1; fi

sim: ## simulation: SEED=first SEEDS=number STEPS=of each; a red seed is told with the line that repeats it
	$(GO) test ./bench/sim -run '^TestSim$$' -count=1 -v -timeout 0 -sim.seed $(or $(SEED),1) -sim.seeds $(or $(SEEDS),1000) -sim.steps $(or $(STEPS),500)

rules: ## every rule of the founding documents, what holds it, its tests; fails while one owes a test
	@GONGJI_RULES=strict $(GO) test -count=1 -v -run TestRules ./bench/rules

bench: ## Go benchmarks of all packages, BENCH=regexp to choose
	$(GO) test -run '^$$' -bench '$(or $(BENCH),.)' -benchmem ./...

clean: ## remove what build made
	rm -rf bin
