package defects

// TagPrefix begins the build tag of every defect.
const TagPrefix = "defect_"

// A Sighting is a test that must go red, and what it then says.
type Sighting struct {
	Package string   // folder below the module's root
	Run     string   // for -test.run
	Args    []string // further arguments of the test binary
	Says    string   // a regular expression; the red test's output has a match
	Panics  bool     // it is an assertion of the product code that says it, so the binary ends by a panic
}

// A Defect is one mistake behind one build tag.
type Defect struct {
	Name string // the tag without TagPrefix; the hook's constant is this in camel case and "Defect"
	Dir  string // of the package that has the hook
	Asks string // the words of reliability.md T20
	Here string // what the hook does, where our design has no such place; "": as asked
	By   Sighting
	Also Sighting // the model test as well, where the defect is one of rules; Run "": none
}

var (
	// sim is a few seeds of T3: those kept and 8 more have all the faults that these defects need.
	sim = Sighting{Package: "bench/sim", Run: "^TestSim$", Args: []string{"-sim.seeds=8"}}
	// oracle is T2: it runs against the model, which is itself checked by this (reliability.md 3.2 rule 4).
	oracle = Sighting{Package: "engine/executor", Run: "^TestEqual$", Says: `model says|differ in|the model`}
)

func (s Sighting) says(what string) Sighting {
	s.Says = what
	return s
}

func script(name, says string) Sighting {
	return Sighting{Package: "bench/scenario", Run: "^TestScripts$/^" + name + "$", Says: says}
}

func test(dir, name, says string) Sighting {
	return Sighting{Package: dir, Run: "^" + name + "$", Says: says}
}

// Table is T20's list, in its order.
var Table = []Defect{
	{Name: "reply_early", Dir: "engine", Asks: "reply before fsync", Here: "a batch is executed and answered, and then its record is waited for",
		By: sim.says("kept, but its record is not durable")},
	{Name: "nosync", Dir: "wal/pebblelog", Asks: "NoSync", Here: "records and marks are not synced and are said to be; a segment's header still is",
		By: test("wal/pebblelog", "TestCrashClones", `LOST: acknowledged to \d+, the log ends at`)},
	{Name: "fatal_returns", Dir: "wal/pebblelog", Asks: "Logger.Fatalf returns",
		Here: "there is no Logger: OnFatal returns, the failure is not remembered, and what it struck is said to be durable",
		By:   test("wal/pebblelog", "TestExitReturns", `Close: |\d+ failures, \d+ acknowledged`)},
	{Name: "sync_ignored", Dir: "wal/pebblelog", Asks: "ignore SyncWait error", Here: "neither the answer of a sync is looked at nor what failFS sees",
		By: test("wal/pebblelog", "TestFailedSync", `expected records to \d+, the mark, found .* the log ends at`)},
	{Name: "sync_retried", Dir: "wal/pebblelog", Asks: "retry after failed fsync", Here: "below failFS, so that nobody hears of the first",
		By: test("wal/pebblelog", "TestFailedSync", "OnFatal called 0 times")},
	{Name: "ids_not_saved", Dir: "engine/state", Asks: "id table not in snapshot",
		By: sim.says("model says|executed at|differs after the restart")},
	{Name: "conflict_loose", Dir: "engine/ledger", Asks: "conflict compares id only",
		By: script("r10-repeats", "want id_reused"), Also: oracle},
	{Name: "refusal_forgotten", Dir: "engine/ledger", Asks: "refusal not remembered", Here: "by the serial rules, which run every batch that is small or not money",
		By: script("r10-refusal", "want repeated"), Also: oracle},
	{Name: "reversal_to_patient", Dir: "engine/ledger", Asks: "reversal pays everything to the patient",
		By: script("d1-own-first", `want balc 5\.00`), Also: oracle},
	{Name: "reversal_unbound", Dir: "engine/ledger", Asks: "reversal skips an unbound authorizer",
		// P1 of each entry is always on, and ends the process before the script's own check (r12-unbound) can speak.
		By: Sighting{Package: "engine/executor", Run: "^TestEqual$", Says: `the entry at position \d+, kind \d+ outcome 1, adds up to -\d+ fen \(P1\)`, Panics: true}},
	{Name: "overtaking_forgotten", Dir: "engine/ledger", Asks: "overtaking reversal forgotten",
		By: script("r11-overtaken", "want blocked"), Also: oracle},
	{Name: "self_last", Dir: "engine/ledger", Asks: "self not first when self is below 1 yuan",
		By: script("d1-small-own", `want own 0\.50`), Also: oracle},
	{Name: "draw_biased", Dir: "engine/ledger", Asks: "modulo-biased draw", Here: "of 4 bits: a bias of 64 bits nobody can measure",
		By: test("engine/ledger", "TestDrawUniform", `chi-square \d+\.\d over`), Also: oracle},
	{Name: "map_order", Dir: "engine/state", Asks: "map order in state hash",
		By: test("engine/state", "TestHash", `batch 1: [0-9a-f]{64}, want [0-9a-f]{64}`)},
	{Name: "wall_clock", Dir: "engine", Asks: "time.Now in core", Here: "a batch executes at the machine's time, not at its record's",
		By: test("engine", "TestRestartAnywhere", "is not what the log gives")},
	{Name: "query_early", Dir: "engine", Asks: "query served before durable", Here: "the keeper waits for the record instead of the executor, and a query does not wait for the keeper",
		By: sim.says("a question sees batch")},
	{Name: "truncate_early", Dir: "engine/state", Asks: "truncate by an unflushed sequence",
		Here: "DurableSequence, below which the log may be truncated, is told before the checkpoint is flushed",
		By:   test("engine/state", "TestCrash", `loaded sequence \d+, durable was \d+`)},
	{Name: "coverage_short", Dir: "shard", Asks: "coverage bound leaves out one demand", Here: "the first that each shard has of each",
		By: Sighting{Package: "engine/executor", Run: "^TestEqual$", Says: "BUG: account [0-9a-f]+ at -", Panics: true}}, // P2 is always on
	{Name: "unbind_late", Dir: "engine/ledger", Asks: "unbind applied late", Here: "it is told at once and takes effect at the next structural command",
		By: test("engine/ledger", "TestUnbindRaces", "Mulaid:10"), Also: oracle},
	{Name: "amount_wraps", Dir: "engine/ledger", Asks: "amount check with wrap-around", Here: "parts of a bill have no upper limit, and their sum wraps",
		By: test("engine/ledger", "TestAmountsWrap", "parts: outcome_0, want amount_range"), Also: oracle},
	{Name: "queue_unbounded", Dir: "engine/sequencer", Asks: "unbounded queue",
		By: test("engine/sequencer", "TestLimits", `\d+ commands wait, limit`)},
	{Name: "mark_ignored", Dir: "wal/pebblelog", Asks: "log end before mark accepted",
		By: test("wal/pebblelog", "TestCorruptionSweep", "SILENT LOSS: the mark is")},
	{Name: "day_end_old", Dir: "engine/ledger", Asks: "day-end counts reversal in the old day",
		By: test("engine", "TestClosedDayNeverChanges", "was closed with"), Also: oracle},
	{Name: "number_told", Dir: "api/rest", Asks: "ID number in an error message",
		By: test("api/rest", "TestBadInput", "the answer tells a value back")},
}

// sightings are all tests that must see a defect.
func (d *Defect) sightings() []Sighting {
	if d.Also.Run == "" {
		return []Sighting{d.By}
	}
	return []Sighting{d.By, d.Also}
}
