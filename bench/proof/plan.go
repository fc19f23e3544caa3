package proof

import (
	"fmt"
	"time"
)

// A FuzzTarget is one run of T19's fuzzing.
type FuzzTarget struct {
	Package, Function string // as `go test` takes them
	Name              string // in the proof line, behind "fuzz-"
	Seconds           int    // at full size
	Least             int64  // inputs at full size, or the run is red: a fifth of what a machine with ten other jobs on its two cores did
}

// FuzzPlan is what T19 fuzzes in a proof, 125 s at full size: everything that comes from outside or back from the disk, through the code that takes it. `make fuzz` runs these and
// all smaller targets. The first run of a package compiles it with counters, up to a minute each on two cold cores.
func FuzzPlan() []FuzzTarget {
	return []FuzzTarget{
		{"gongji/api/rest", "FuzzHTTPBody", "http-body", 25, 500},
		{"gongji/api/nhsa", "FuzzEnvelope", "envelope", 25, 250},
		{"gongji/engine/command", "FuzzDecode", "batch", 10, 10_000},
		{"gongji/engine/journal", "FuzzDecode", "journal", 10, 2_000},
		{"gongji/engine/state", "FuzzCheckpoint", "checkpoint", 20, 500},
		{"gongji/api/nhsa", "FuzzDayEndFile", "day-end-file", 20, 400},
		{"gongji/api/rest", "FuzzPolicyFile", "policy-file", 15, 300},
	}
}

// Of is the target at the size of this run (Of), at least 2 s: half of the inputs in half of the time.
func (f FuzzTarget) Of() FuzzTarget {
	f.Seconds, f.Least = max(2, Of(f.Seconds)), int64(Of(int(f.Least)))
	return f
}

// Args are those of the go command. It starts from the kept corpus alone, with an empty directory for what it finds: Go's own cache grows from run to run, and replaying it would take
// the time that is meant for new inputs. One worker: the ledger behind it uses the other core.
func (f FuzzTarget) Args(emptyDir string) []string {
	return []string{"test", "-tags", "invariants", f.Package, "-run", "^$", "-fuzz", "^" + f.Function + "$", "-fuzztime", fmt.Sprint(time.Duration(f.Seconds) * time.Second),
		"-fuzzminimizetime", "10x", "-parallel", "1", "-args", "-test.fuzzcachedir=" + emptyDir}
}
