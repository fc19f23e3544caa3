package proof

import "fmt"

// A FuzzTarget is one run of T19's fuzzing.
type FuzzTarget struct {
	Package, Function string // as `go test` takes them
	Name              string // in the proof line, behind "fuzz-"
	Execs             int    // inputs at full size: 10 to 30 s on two cores shared with five other jobs
}

// FuzzPlan is what T19 fuzzes in a proof: everything that comes from outside or back from the disk, through the code that takes it. `make fuzz` runs these and all smaller targets for a
// time. Here inputs are counted, not seconds: on a busy machine 10 s were over before the seeds had been played. The first run of a package compiles it with counters, up to a minute each on two cold cores.
func FuzzPlan() []FuzzTarget {
	return []FuzzTarget{
		{"gongji/api/rest", "FuzzHTTPBody", "http-body", 5_000},
		{"gongji/api/nhsa", "FuzzEnvelope", "envelope", 2_000},
		{"gongji/engine/command", "FuzzDecode", "batch", 50_000},
		{"gongji/engine/journal", "FuzzDecode", "journal", 8_000},
		{"gongji/engine/state", "FuzzCheckpoint", "checkpoint", 4_000},
		{"gongji/api/nhsa", "FuzzDayEndFile", "day-end-file", 3_000},
		{"gongji/api/rest", "FuzzPolicyFile", "policy-file", 5_000},
	}
}

// Of is the target at the size of this run (Of).
func (f FuzzTarget) Of() FuzzTarget {
	f.Execs = Of(f.Execs)
	return f
}

// Least is how many inputs a run must have tried, or it is red (reliability.md 3.2, rule 2: 90 % of what was planned).
func (f FuzzTarget) Least() int64 { return int64(f.Execs) * 9 / 10 }

// Args are those of the go command. It starts from the kept corpus alone, with an empty directory for what it finds: Go's own cache grows from run to run, and replaying it would take
// the time that is meant for new inputs. One worker: the ledger behind it uses the other core.
func (f FuzzTarget) Args(emptyDir string) []string {
	return []string{"test", "-tags", "invariants", f.Package, "-run", "^$", "-fuzz", "^" + f.Function + "$", "-fuzztime", fmt.Sprintf("%dx", f.Execs),
		"-fuzzminimizetime", "10x", "-parallel", "1", "-args", "-test.fuzzcachedir=" + emptyDir}
}
