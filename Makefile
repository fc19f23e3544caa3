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
# Long sweeps over images, corpora and keys, one goroutine each: `make test` runs them, under the race detector they took 5 minutes and show nothing more.
SWEEPS   := ^(Fuzz.*|TestCorruptionSweep|TestCrashEveryOperation|TestFreshWAL|TestReusedWAL|TestFaultsDie|TestCrash|TestStorageErrors|TestDamage|TestReplayMatrix|TestFuzzTalks|TestFilterRate|TestKeysThatAreNotUniform|TestSameWalkWhateverTheTuning|TestCorruptManifest|TestCorruptBlock|TestCorruptFilterAndFences)$$$$
# staticcheck, not golangci-lint: compiling that alone took 132 s on two cold cores, staticcheck 27 s.
STATICCHECK := honnef.co/go/tools/cmd/staticcheck@v0.8.2

.PHONY: help build run test race lint fuzz corpus sim proof soak defects rules bench bench-smoke bench-go bench-compare bench-peers clean

help: ## list the targets
	@awk -F ':.*## ' '/^[a-z-]+:.*## /{printf "  %-13s %s\n", $$1, $$2}' $(MAKEFILE_LIST)

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

# Inputs that reach new code go to Go's cache, failing ones to testdata/fuzz of the package: commit those with the fix. Targets with a ledger behind them are not deterministic enough
# to be minimised for long; their directories lie in memory where there is /dev/shm.
fuzz: ## every fuzz function for FUZZTIME (30s), FUZZ=regexp to choose; then `make corpus`
	@found=0; for package in $$($(GO) list ./...); do \
	  listed=$$($(GO) test -tags $(TAGS) -list '^Fuzz' $$package); \
	  for target in $$(grep '^Fuzz' <<<"$$listed" | grep -E '$(or $(FUZZ),.)' || true); do \
	    found=1; echo "== $$package $$target"; \
	    TMPDIR=$$(if [ -w /dev/shm ]; then echo /dev/shm; else echo "$${TMPDIR:-/tmp}"; fi) \
	    $(GO) test -tags $(TAGS) -run '^$$' -fuzz "^$$target$$" -fuzztime $(FUZZTIME) -fuzzminimizetime 10x $$package; \
	  done; \
	done; if [ $$found = 0 ]; then echo "no fuzz function found"; exit 1; fi

# Files are named by their hash, so the first ones are a sample of all that reached new code when they were found.
corpus: ## keep up to KEEP (24) inputs of at most 1 KiB a fuzz function from Go's cache in testdata/fuzz
	@cache=$$($(GO) env GOCACHE)/fuzz; for package in $$($(GO) list ./...); do \
	  for found in $$(find "$$cache/$$package" -mindepth 1 -maxdepth 1 -type d -name 'Fuzz*' 2>/dev/null || true); do \
	    kept=$$($(GO) list -f '{{.Dir}}' $$package)/testdata/fuzz/$$(basename $$found); mkdir -p $$kept; \
	    room=$$(( $(or $(KEEP),24) - $$(ls $$kept | wc -l) )); \
	    if [ $$room -gt 0 ]; then find $$found -type f -size -1025c | sort | sed -n "1,$${room}p" | xargs -r cp -t $$kept; fi; \
	  done; \
	done; du -sh $$(find . -path '*/testdata/fuzz' -type d)

sim: ## simulation: SEED=first SEEDS=number STEPS=of each; a red seed is told with the line that repeats it
	$(GO) test ./bench/sim -run '^TestSim$$' -count=1 -v -timeout 0 -sim.seed $(or $(SEED),1) -sim.seeds $(or $(SEEDS),1000) -sim.steps $(or $(STEPS),500)

proof: ## the tests of the promises at full size, one summary (SIZE=half, ONLY='T3 |T14 ', OUT=file); needs root, strace and loop mounts for all of it
	$(GO) run ./bench/prove -together -size $(or $(SIZE),full) -only '$(ONLY)' -o '$(OUT)' $(if $(ALL),-all)

soak: ## proof again and again with new seeds for HOURS (1), until something is red
	$(GO) run ./bench/prove -hours $(or $(HOURS),1) -only '$(ONLY)' -o '$(OUT)' $(if $(ALL),-all)

defects: ## seeded defects (T20), each of which its tests must see: all, DEFECTS=nosync,unbind_late or DEFECTS=3 in rotation by commit
	@GONGJI_DEFECTS=$(or $(DEFECTS),all) $(GO) test -count=1 -v -timeout 0 -run '^(TestDefects|TestCostsNothing)$$' ./bench/defects

rules: ## every rule of the founding documents, what holds it, its tests; fails while one owes a test
	@GONGJI_RULES=strict $(GO) test -count=1 -v -run TestRules ./bench/rules

# The ledgers lie beside the report, on the disk of the work tree: /tmp may be memory.
BENCHDIR ?= .bench
bench: build ## everything beside its ceilings, at most 5 minutes: tables, .bench/bench.json, .bench/bench.html
	@mkdir -p $(BENCHDIR)
	$(GONGJI) bench suite --json $(BENCHDIR)/bench.json --html $(BENCHDIR)/bench.html --dir $(BENCHDIR)

bench-smoke: build ## a minute of the same on a small world: are answers and books right? says nothing about time
	@mkdir -p $(BENCHDIR)
	$(GONGJI) bench suite --quick --json $(BENCHDIR)/smoke.json --html $(BENCHDIR)/smoke.html --dir $(BENCHDIR)
	$(GONGJI) bench compare $(BENCHDIR)/smoke.json $(BENCHDIR)/smoke.json >/dev/null

bench-go: ## Go benchmarks of all packages, BENCH=regexp to choose
	$(GO) test -run '^$$' -bench '$(or $(BENCH),.)' -benchmem ./...

bench-compare: ## Go benchmarks of BASE=rev and of the work tree in turns, benchstat (BENCH=regexp, PKG='engine/ledger api', COUNT=6)
	$(GO) run ./bench/guard -base '$(BASE)' -bench '$(BENCH)' -pkg '$(PKG)' -count $(or $(COUNT),6)

# Some 20 GB of temporary files in TMPDIR. Flags of the command: FLAGS='--for 20s --json FILE'.
bench-peers: build ## PostgreSQL with the same rule beside Gongji, in turns; as root it installs postgresql and wrk if they are missing
	$(GONGJI) bench peers --install $(FLAGS)

clean: ## remove what build and bench made
	rm -rf bin .bench
