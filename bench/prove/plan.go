package main

import "time"

// A part is one `go test` of the plan.
type part struct {
	dir   string // package, from the root of the project
	run   string // regexp of its tests
	tags  string
	lines []string // "T4 crash-points": the lines it must print; one that is missing is red
	// waits: it mostly waits for processes, disks and clocks, so another part may run beside it (-together).
	waits bool
}

// partLimit ends a part that hangs: many times what any of them takes.
const partLimit = 10 * time.Minute

// invariants are the dear checks of ours and of Pebble's.
const invariants = "invariants"

// plan is every part, in the order they run. T1 is `make test` and `make race`; T17 comes with the cluster; T20 is `make defects`; the fuzzing of T19 comes after these (fuzz.go).
var plan = []part{
	{dir: "engine/executor", run: "^TestEqual$", tags: invariants, lines: []string{"T2 equal"}},
	{dir: "bench/sim", run: "^TestSim$", lines: []string{"T3 simulation"}},
	{dir: "wal/pebblelog", run: "^(TestCrashClones|TestCrashEveryOperation|TestTornAgain|TestTruncateCrash|TestFailedSync|TestFaultsDie|TestCorruptionSweep|TestFreshWAL)$", tags: invariants,
		lines: []string{"T4 log-clones", "T4 log-every-operation", "T4 log-torn-again", "T4 log-truncate", "T5 log-failed-segment-sync", "T5 log-failed-segment-write", "T5 log-failed-mark-sync",
			"T5 log-failed-mark-write", "T5 log-die", "T14 log-corruption", "T14 log-fresh-segment"}},
	{dir: "engine", run: "^(TestCrashClones|TestCrashEveryOperation|TestStorageErrors|TestStateTrouble|TestDamage|TestReplayMatrix|TestArchive|TestArchiveOnline)$", tags: invariants,
		lines: []string{"T4 engine-clones", "T4 engine-every-operation", "T4 engine-in-recovery", "T5 engine-nth-operation", "T5 engine-state-disk-gone", "T14 engine-corruption", "T12 matrix", "T12 archive", "T12 archive-online"}},
	{dir: "wal/archive", run: ".", tags: invariants, lines: []string{"T4 archive", "T5 archive", "T14 archive"}},
	{dir: "engine/state", run: "^TestCrash$", tags: invariants, lines: []string{"T4 state-every-4th-operation"}},
	{dir: "engine/executor", run: "^(TestUniform|TestUniformSeesBias)$", lines: []string{"T6 uniform-sharded", "T6 uniform-serial", "T6 sees-bias"}},
	{dir: "bench/history", run: ".", lines: []string{"T7 http", "T7 submit", "T7 both", "T7 cut-lines", "T7 slow-sync", "T7 crash", "T7 crash-slow-sync", "T7 copies", "T7 unbind-races", "T7 reads-durable", "T7 sees-stale-read",
		"T7 sees-executed-twice", "T7 sees-late-unbind", "T7 sees-told-before-durable", "T7 sees-early-reads", "T8 bank", "T8 bank-slow-sync", "T8 bank-crash"}},
	{dir: "bench/power", run: ".", waits: true, lines: []string{"T9 kill9", "T9 kill-creation", "T10 power-cut", "T11 slow-sync", "T11 failing-sync", "T11 stalled-sync", "T13 disk-full-log", "T13 disk-full-state",
		"T15 overload"}},
	{dir: "engine/reconcile", run: "^TestComparePlanted$", tags: invariants, lines: []string{"T16 compare"}},
	{dir: "api/rest", run: "^(TestDayEnd|TestWireLedger|TestWireStates)$", tags: invariants, lines: []string{"T16 day-end", "T19 wire-ledger", "T19 wire-states"}},
	{dir: "bench/trail", run: "^TestAudit$", tags: invariants, lines: []string{"T18 frauds", "T18 effects", "T18 files", "T18 forged"}},
	{dir: "api", run: "^(TestWireCorpus|TestSlowloris)$", tags: invariants, lines: []string{"T19 wire", "T19 slowloris"}},
	{dir: "bench/leak", run: "^TestScannerSees$", lines: []string{"T19 leak-control"}},
	{dir: "cmd/gongji", run: "^TestLeak$", lines: []string{"T19 leak"}},
}

// trials names, for lines whose trials are independent of each other, the figure that counts them: 0 red of n is below 3/n at 95 %.
var trials = map[string]string{
	"T3 simulation":             "ran",
	"T4 log-clones":             "crash",
	"T4 engine-clones":          "crash",
	"T9 kill9":                  "kills",
	"T10 power-cut":             "images",
	"T14 log-corruption":        "damage",
	"T14 engine-corruption":     "damage",
	"T4 engine-every-operation": "crash",
	"T4 engine-in-recovery":     "crash-in-recovery",
}

// A promise of reliability.md 2 and the tests that check it.
type promise struct {
	id, name string
	tests    []string
}

var promises = []promise{
	{"P1", "conservation", []string{"T2", "T3", "T8", "T9", "T10"}},
	{"P2", "no negative", []string{"T2", "T3", "T7"}},
	{"P3", "a reply means durable", []string{"T4", "T5", "T9", "T10", "T11"}},
	{"P4", "at most once", []string{"T2", "T3", "T7", "T9"}},
	{"P5", "conflict refused", []string{"T2", "T3"}},
	{"P6", "a decision is final", []string{"T2", "T3", "T7"}},
	{"P7", "exact reversal", []string{"T2", "T3", "T8"}},
	{"P8", "overtaking reversal", []string{"T2", "T3", "T7"}},
	{"P9", "debit order", []string{"T2", "T3", "T6"}},
	{"P10", "uniform choice", []string{"T6", "T12"}},
	{"P11", "atomic across shards", []string{"T3", "T4", "T8", "T9"}},
	{"P12", "linearizable, no dirty reads", []string{"T3", "T7", "T8", "T11"}},
	{"P13", "(un)binding order", []string{"T2", "T7"}},
	{"P14", "replay", []string{"T3", "T12"}},
	{"P15", "recovery time", []string{"T9", "T10"}},
	{"P16", "overload", []string{"T15"}},
	{"P17", "storage error", []string{"T5", "T11", "T13"}},
	{"P18", "corrupted record", []string{"T14"}},
	{"P19", "torn tail", []string{"T4", "T14"}},
	{"P20", "day end", []string{"T2", "T16"}},
	{"P21", "liveness", []string{"T3", "T9"}},
	{"P22", "audit", []string{"T18"}},
	{"P23", "privacy", []string{"T19"}},
	{"P24", "unknown is honest", []string{"T3", "T7", "T9"}},
}
