package history

import (
	"os"
	"testing"

	"gongji/bench/proof"
)

// pictures is where drawn histories go: they outlive the test, as who sees it red wants to look at them.
func pictures(t testing.TB) string {
	t.Helper()
	dir := os.TempDir() + "/gongji-histories"
	must(t, os.MkdirAll(dir, 0o700))
	return dir
}

// TestLinearizable (T7; R9, R10, R11, R12): what 16 callers of 200 families are told through the sockets of /v1, through Submit, and through both at once is
// explained by one order of their calls: settlements, reversals before, after and twice, late copies, bindings made and ended, credits, questions. P2, P4, P6 to P9, P12,
// P13 and P24 are in the book they are held against.
func TestLinearizable(t *testing.T) {
	for i, c := range []struct {
		name  string
		doors []door
	}{{"http", []door{httpDoor{}}}, {"submit", []door{submitDoor{}}}, {"both", []door{httpDoor{}, submitDoor{}}}} {
		t.Run(c.name, func(t *testing.T) {
			p := plan{shards: 1 << i, families: proof.Of(200)}
			if c.name == "http" {
				p.inDir = t.TempDir() // the product: its own log on the disk
			}
			w := newWorld(t, "T7", c.name, uint64(71+i), p, faults{}, proof.Of(16_000), c.doors...)
			defer w.end()
			w.judge(w.run(), func(l *proof.Line) { l.Zero("unanswered", int64(w.unknowns())) })
		})
	}
}

func (w *world) unknowns() (n int) {
	for _, c := range w.callers {
		for i := range c.events {
			if c.events[i].Answer.Outcome == Unknown {
				n++
			}
		}
	}
	return n
}

// TestLinearizableFaults (T7): the same with lines that break, syncs that lag behind, and power cuts in the middle.
func TestLinearizableFaults(t *testing.T) {
	for i, c := range []struct {
		name string
		faults
		lag int
	}{
		{"cut-lines", faults{cut: 40}, 0},
		{"slow-sync", faults{cut: 5}, 20},
		{"crash", faults{crashes: proof.Of(20), keep: 3}, 0},
		{"crash-slow-sync", faults{cut: 20, crashes: proof.Of(20), keep: 3}, 30},
	} {
		t.Run(c.name, func(t *testing.T) {
			p := plan{shards: 1 << (i % 3), families: proof.Of(200)}
			if c.lag > 0 {
				c.gate = newGate(c.lag)
				p.log = c.gate.log
			}
			w := newWorld(t, "T7", c.name, uint64(81+i), p, c.faults, proof.Of(8_000), httpDoor{}, submitDoor{})
			defer w.end()
			w.judge(w.run(), func(l *proof.Line) {
				if c.cut > 0 {
					l.Fault("line", int64(w.unknowns()))
				}
				if c.faults.crashes > 0 {
					l.Fault("crash", int64(w.crashes))
				}
				if c.lag > 0 {
					l.Fault("sync", int64(c.gate.held))
				}
			})
		})
	}
}
