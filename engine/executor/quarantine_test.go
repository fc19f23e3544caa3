package executor_test

import (
	"crypto/sha256"
	"errors"
	"reflect"
	"strings"
	"testing"

	"gongji/bench/model"
	"gongji/bench/oracle"
	"gongji/engine/executor"
	"gongji/engine/ledger"
	"gongji/shard"
)

// quarantines are a batch's, aimed as the engine aims them.
func quarantines(t testing.TB, b model.Batch, payload []byte) (out []ledger.Quarantine) {
	if len(b.Quarantined) == 0 {
		return nil
	}
	var opened executor.Batch
	if err := opened.Open(b.Sequence, payload); err != nil {
		t.Fatal(err)
	}
	for _, i := range b.Quarantined {
		out = append(out, ledger.Quarantine{Index: i, Command: sha256.Sum256(opened.Bytes(i)), Reason: sha256.Sum256([]byte("test"))})
	}
	return out
}

// TestEqualQuarantined: with commands taken out here and there, of every kind, their repeats and reversals included, model, serial and shards agree on
// every outcome, posting and row; the scalars count what was taken out. (design.md 3, Poison; P14)
func TestEqualQuarantined(t *testing.T) {
	kinds := map[int]bool{}
	var taken, repeated, undone, sharded int
	for seed := range 4 {
		g := model.NewGenerator(uint64(seed))
		runners := []*runner{newRunner(0), newRunner(1), newRunner(4)}
		steps := g.Setup()
		g.QuarantineEvery = 97
		for n := range 60 {
			if n%3 == 0 {
				steps = append(steps, g.MixedBatch(60))
			} else {
				steps = append(steps, g.MoneyBatch(60))
			}
		}
		out := map[uint64]bool{}
		for _, s := range steps {
			payload := oracle.Encode(s.Batch)
			for _, r := range runners {
				if err := oracle.Compare(s.Batch, s.Results, r.run(t, s.Batch, payload)); err != nil {
					t.Fatalf("seed %d, %s: %v", seed, r.name, err)
				}
				if err := r.sameState(runners[0]); err != nil {
					t.Fatalf("seed %d batch %d: %v", seed, s.Batch.Sequence, err)
				}
			}
			for i, r := range s.Results {
				switch {
				case r.Outcome == model.Quarantined:
					kinds[s.Batch.Commands[i].Kind()] = true
					out[s.Batch.Sequence<<20|uint64(i)] = true
				case r.Outcome == model.Repeated && out[r.First]:
					repeated++
				case r.Outcome == model.NothingToUndo:
					undone++
				}
			}
		}
		if got := runners[0].state.Scalars.At(0); got.Quarantined != uint64(len(out)) || got.QuarantineChain == [32]byte{} {
			t.Errorf("seed %d: %d quarantined by the scalars, %d were", seed, got.Quarantined, len(out))
		}
		if err := runners[0].sameAsModel(g.Model()); err != nil {
			t.Fatalf("seed %d: %v", seed, err)
		}
		taken, sharded = taken+len(out), sharded+runners[2].sharded
		for _, r := range runners {
			r.executor.Close()
		}
	}
	if taken < 100 || len(kinds) < 12 || repeated == 0 || undone == 0 || sharded == 0 {
		t.Errorf("vacuous: %d taken out of %d kinds, %d repeats of them, %d with nothing to undo, %d over shards", taken, len(kinds), repeated, undone, sharded)
	}
}

// TestOpenQuarantined: a quarantine that names other bytes, or an index that is not there, is refused.
func TestOpenQuarantined(t *testing.T) {
	g := model.NewGenerator(1)
	step := g.Setup()[0]
	step.Batch.Quarantined = []int{2}
	payload := oracle.Encode(step.Batch)
	right := quarantines(t, step.Batch, payload)
	var b executor.Batch
	if err := b.OpenQuarantined(step.Batch.Sequence, payload, right); err != nil {
		t.Fatal(err)
	}
	other := right[0]
	other.Index = 3
	beyond := right[0]
	beyond.Index = len(step.Batch.Commands)
	for _, q := range []ledger.Quarantine{other, beyond} {
		if err := b.OpenQuarantined(step.Batch.Sequence, payload, []ledger.Quarantine{q}); !errors.Is(err, executor.ErrQuarantine) {
			t.Errorf("index %d: %v", q.Index, err)
		}
	}
}

// trap is an id table that panics at what a test plants in it.
type trap struct {
	*memIDs
	find, claim map[ledger.Key]bool
}

func (x trap) Find(k ledger.Key) (ledger.IDEntry, bool) {
	if x.find[k] {
		panic("BUG: planted")
	}
	return x.memIDs.Find(k)
}

func (x trap) Claim(cmd *ledger.Command, p ledger.Position, existing *ledger.IDEntry) bool {
	if x.claim[cmd.ID] {
		var none []int
		_ = none[len(x.claim)] // a panic of the runtime
	}
	return x.memIDs.Claim(cmd, p, existing)
}

var _ shard.IDs = trap{}

// TestPoison: a command that panics is named, wherever it does: in a phase of a shard, whichever goroutine runs it, in the resolver, and in the serial
// rules. Of several the first in log order; the same with one shard and with eight.
func TestPoison(t *testing.T) {
	g := model.NewGenerator(3)
	steps := append(g.Setup(), g.MoneyBatch(200))
	last := steps[len(steps)-1].Batch
	ids := map[ledger.Key]int{}
	for _, c := range last.Commands {
		ids[messageID(c)]++
		if r, ok := c.(model.ReversalByMessage); ok {
			ids[r.OriginalID]++ // its original is not claimed by a shard
		}
	}
	var once []int // commands whose id no other of the batch has
	for i, c := range last.Commands {
		if c.Kind() == model.KindSettlement && messageID(c) != (model.Key{}) && ids[messageID(c)] == 1 {
			once = append(once, i)
		}
	}
	if len(once) < 31 {
		t.Fatalf("vacuous: %d settlements", len(once))
	}
	for _, c := range []struct {
		name   string
		shards int
		claim  bool
		plant  []int
	}{
		{"serial", 0, false, once[20:21]}, {"serial, two", 0, false, once[20:22]},
		{"a shard", 1, true, once[20:21]}, {"shards, all", 8, true, once[20:]}, {"two shards", 2, true, once[20:30]},
	} {
		planted := trap{newMemIDs(), map[ledger.Key]bool{}, map[ledger.Key]bool{}}
		for _, i := range c.plant {
			if c.claim {
				planted.claim[messageID(last.Commands[i])] = true
			} else {
				planted.find[messageID(last.Commands[i])] = true
			}
		}
		r := newRunnerOver(c.shards, planted)
		for _, s := range steps[:len(steps)-1] {
			r.run(t, s.Batch, oracle.Encode(s.Batch))
		}
		poison := poisonOf(func() { r.run(t, last, oracle.Encode(last)) })
		r.executor.Close()
		if poison == nil {
			t.Errorf("%s: no poison", c.name)
			continue
		}
		cause := poison.Cause
		poison.Cause = ""
		if want := (executor.Poison{Sequence: last.Sequence, Index: c.plant[0], Kind: ledger.KindSettlement}); *poison != want {
			t.Errorf("%s: %+v, want %+v", c.name, *poison, want)
		}
		if !strings.Contains(cause, "quarantine_test.go:") || strings.Contains(cause, "\n") || !strings.HasPrefix(cause, "BUG: planted") && !strings.HasPrefix(cause, "runtime error: index out of range") {
			t.Errorf("%s: cause %q", c.name, cause)
		}
	}
}

func poisonOf(f func()) (p *executor.Poison) {
	defer func() {
		if v := recover(); v != nil {
			p, _ = v.(*executor.Poison)
		}
	}()
	f()
	return nil
}

func messageID(c model.Command) model.Key {
	f := reflect.ValueOf(c).FieldByName("Message")
	if !f.IsValid() {
		return model.Key{}
	}
	return f.Interface().(model.Message).ID
}

// secret is what a panic might carry.
type secret string

// TestCause: a panic's value is told only if it is ours or the runtime's. (P23)
func TestCause(t *testing.T) {
	for _, c := range []struct {
		value any
		want  string
	}{
		{"BUG: account 3", "BUG: account 3"}, {"11010119900101123X", "panic with a text"}, {secret("11010119900101123X"), "panic with a executor_test.secret"},
		{errors.New("11010119900101123X"), "panic with a *errors.errorString"},
	} {
		func() {
			defer func() {
				if got := executor.Cause(recover()); !strings.HasPrefix(got, c.want) || strings.Contains(got, "11010119900101123X") {
					t.Errorf("%v: %q", c.value, got)
				}
			}()
			panic(c.value)
		}()
	}
}
