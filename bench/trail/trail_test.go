package trail

import (
	"bytes"
	"crypto/sha256"
	"encoding/binary"
	"errors"
	"fmt"
	"math/rand/v2"
	"os"
	"path/filepath"
	"slices"
	"testing"

	"go.uber.org/goleak"

	"gongji/bench/load"
	"gongji/bench/proof"
	"gongji/engine"
	"gongji/engine/command"
	"gongji/engine/ledger"
	"gongji/engine/sequencer"
	"gongji/wal"
	"gongji/wal/pebblelog"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

func must(t testing.TB, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}

// history is a stopped ledger with what somebody outside kept of it.
type history struct {
	dir     string
	roots   []Root // of the log chain
	effects []Root
	records [][]byte
	last    uint64 // sequence of the newest root
}

func options(dir string) engine.Options {
	policy := engine.Hubei
	policy.Evouchers = 0
	return engine.Options{Dir: filepath.Join(dir, "ledger"), KeyFile: filepath.Join(dir, "key"), Create: true, FirstPolicy: policy, HousekeepingInterval: -1}
}

// newHistory runs a ledger in which every settlement has a batch of its own, and keeps its roots now and then.
func newHistory(t *testing.T) *history {
	t.Helper()
	h := &history{dir: t.TempDir()}
	e, err := engine.Open(options(h.dir))
	must(t, err)
	w := load.NewWorld(60)
	refused, err := w.Load(e)
	must(t, err)
	if len(refused) > 0 {
		t.Fatal(refused)
	}
	stream := w.NewStream(load.DefaultMix, 18, 1)
	r := sequencer.NewRequest()
	for n := range 120 {
		r.Commands, _ = stream.Append(r.Commands)
		r.Count = 1
		must(t, e.Do(r))
		r.Reset()
		if n%13 == 5 {
			x, err := e.Totals(engine.AskLimit, 0)
			must(t, err)
			h.roots, h.effects, h.last = append(h.roots, Root{x.Sequence, x.LogChain}), append(h.effects, Root{x.Sequence, x.EffectChain}), x.Sequence
		}
	}
	must(t, e.Close())
	h.records, err = Log(os.DirFS(filepath.Join(h.dir, "ledger", "log", "segments")))
	must(t, err)
	return h
}

// relink makes a chain of records whole again from one on, as somebody who has the binary and the files can.
func relink(records [][]byte, from int) {
	for i := from; i < len(records); i++ {
		r := slices.Clone(records[i])
		binary.LittleEndian.PutUint64(r[40:], uint64(i)+1)
		if i > 0 {
			copy(r[previousFrom:], records[i-1][:32])
		} else {
			clear(r[previousFrom : previousFrom+32])
		}
		link := sha256.Sum256(r[32:])
		copy(r, link[:])
		records[i] = r
	}
}

// frauds are ways to change the log at record i; each gives the changed log and the first batch that is not as it was.
var frauds = []struct {
	name string
	do   func(r *rand.Rand, records [][]byte, i int) ([][]byte, uint64)
}{
	{"alter", func(r *rand.Rand, records [][]byte, i int) ([][]byte, uint64) {
		x := slices.Clone(records[i])
		x[headBytes+r.IntN(len(x)-headBytes)] ^= 1 << r.IntN(8)
		records[i] = x
		return records, uint64(i) + 1
	}},
	{"delete", func(_ *rand.Rand, records [][]byte, i int) ([][]byte, uint64) {
		return slices.Delete(records, i, i+1), uint64(i) + 1
	}},
	{"insert", func(_ *rand.Rand, records [][]byte, i int) ([][]byte, uint64) {
		return slices.Insert(records, i, records[i/2]), uint64(i) + 1
	}},
	{"cut", func(_ *rand.Rand, records [][]byte, i int) ([][]byte, uint64) { return records[:i], uint64(i) + 1 }},
	{"reorder", func(_ *rand.Rand, records [][]byte, i int) ([][]byte, uint64) {
		records[i-1], records[i] = records[i], records[i-1]
		return records, uint64(i)
	}},
}

// TestAudit (T18, P22): one ledger, and everything that whoever owns its machine could do to its past; see each part.
func TestAudit(t *testing.T) {
	h := newHistory(t)
	t.Run("files", func(t *testing.T) { files(t, h) })
	t.Run("frauds", func(t *testing.T) { frauded(t, h) })
	t.Run("forged", func(t *testing.T) { forged(t, h) })
	t.Run("effects", func(t *testing.T) { effects(t, h) }) // last: it starts the ledger, which begins a new segment
}

// frauded: of a log in which a record was altered, deleted, inserted, cut off with all behind it, put elsewhere, or in which all of that was covered up
// by new links up to the end, a checker with the public roots alone finds the place: the very batch, or with new links the batches between two roots. And it finds nothing where nothing was done.
func frauded(t *testing.T, h *history) {
	r := rand.New(rand.NewPCG(18, 18))
	l := proof.New("T18", "frauds").Seed(18)
	tries := proof.Of(2_000)
	missed, misplaced, alarms := 0, 0, 0
	for range tries {
		roots := h.someRoots(r, h.roots)
		if f := Records(h.records[:int(roots[len(roots)-1].Sequence)+r.IntN(5)], roots); f != nil {
			alarms++
			t.Errorf("false alarm: %v", f)
		}
		for _, x := range frauds {
			for _, rebuilt := range []bool{false, true} {
				i := 1 + r.IntN(int(roots[len(roots)-1].Sequence)-1) // behind the newest root nothing is promised
				records, at := x.do(r, slices.Clone(h.records), i)
				name := x.name
				if rebuilt {
					relink(records, int(at)-1)
					name += "-rebuilt"
				}
				f := Records(records, roots)
				switch {
				case f == nil:
					missed++
					t.Errorf("%s at %d was not found with roots to %d", name, at, roots[len(roots)-1].Sequence)
				case at < f.First || at > f.Last || !rebuilt && x.name != "cut" && f.First != f.Last:
					misplaced++
					t.Errorf("%s at %d: found %v", name, at, f)
				}
				l.Fault(name, 1)
			}
		}
	}
	l.AtLeast("tries", int64(tries), int64(tries)).AtLeast("records", int64(len(h.records)), 120).Zero("missed", int64(missed)).Zero("misplaced", int64(misplaced)).Zero("false_alarms", int64(alarms)).Print(t)
}

// someRoots are at least two of those that were kept.
func (h *history) someRoots(r *rand.Rand, all []Root) []Root {
	some := slices.Clone(all)
	r.Shuffle(len(some), func(i, j int) { some[i], some[j] = some[j], some[i] })
	some = some[:2+r.IntN(len(some)-2)]
	slices.SortFunc(some, func(a, b Root) int { return int(int64(a.Sequence) - int64(b.Sequence)) })
	return some
}

// effects: the same of journal blocks and the effect chain. Blocks hold no links, so what was done lies between two roots.
func effects(t *testing.T, h *history) {
	r := rand.New(rand.NewPCG(18, 19))
	e, err := engine.Open(options(h.dir))
	must(t, err)
	var blocks [][]byte
	for n := uint64(1); n <= uint64(len(h.records)); n++ {
		b, err := e.JournalBlock(n)
		must(t, err)
		blocks = append(blocks, b)
	}
	must(t, e.Close())
	if f := Effects(blocks, h.effects); f != nil {
		t.Fatalf("false alarm: %v", f)
	}
	l := proof.New("T18", "effects").Seed(18)
	tries, missed := proof.Of(2_000), 0
	for n := range tries {
		i := r.IntN(int(h.last) - 1)
		changed := slices.Clone(blocks)
		switch n % 4 {
		case 0:
			changed[i] = slices.Clone(changed[i])
			changed[i][r.IntN(len(changed[i]))] ^= 1 << r.IntN(8)
		case 1:
			changed = slices.Delete(changed, i, i+1)
		case 2:
			changed[i], changed[i+1] = changed[i+1], changed[i]
		case 3:
			changed = changed[:i]
		}
		if f := Effects(changed, h.effects); f == nil || uint64(i)+1 < f.First || uint64(i)+1 > f.Last {
			missed++
			t.Errorf("change at %d: %v", i+1, f)
		}
		l.Fault([]string{"alter", "delete", "reorder", "cut"}[n%4], 1)
	}
	l.AtLeast("tries", int64(tries), int64(tries)).Zero("missed", int64(missed)).Print(t)
}

// files: the same on the files of a copied directory: a flipped bit anywhere in a segment is found where it is, a cut file is found by the roots, and
// a copy is read as it is.
func files(t *testing.T, h *history) {
	r := rand.New(rand.NewPCG(18, 20))
	if f := Records(h.records, h.roots); f != nil {
		t.Fatalf("false alarm: %v", f)
	}
	segments := filepath.Join(h.dir, "ledger", "log", "segments")
	names, err := filepath.Glob(filepath.Join(segments, "*.log"))
	must(t, err)
	file := names[len(names)-1]
	whole, err := os.ReadFile(file)
	must(t, err)
	end := -1 // nothing is promised behind the newest root
	for n := h.last; end < 0; n-- {
		r := h.records[n-1]
		if begin := bytes.Index(whole, r[:32]); begin >= 0 { // its link is not split over two blocks
			end = begin + len(r)
		}
	}
	tries, missed := proof.Of(1_000), 0
	l := proof.New("T18", "files").Seed(18)
	for n := range tries {
		changed, what := slices.Clone(whole), "bit"
		at := r.IntN(end)
		if n%2 == 0 {
			changed[at] ^= 1 << r.IntN(8)
		} else {
			changed, what = changed[:at], "cut"
		}
		dir := t.TempDir()
		must(t, os.WriteFile(filepath.Join(dir, filepath.Base(file)), changed, 0o600))
		records, err := Log(os.DirFS(dir))
		f := Records(records, h.roots)
		if err == nil && f == nil {
			missed++
			t.Errorf("%s at byte %d was not found", what, at)
		}
		l.Fault(what, 1)
	}
	l.AtLeast("tries", int64(tries), int64(tries)).Zero("missed", int64(missed)).Print(t)
}

// forge writes a ledger anew with one batch changed: a log of the same identity whose chain is whole, and a state that follows from it.
func (h *history) forge(t *testing.T, change func(cmd *ledger.Command, d *command.Details) bool) (dir string, at uint64) {
	t.Helper()
	dir = t.TempDir()
	must(t, os.CopyFS(dir, os.DirFS(h.dir)))
	must(t, os.Chmod(filepath.Join(dir, "key"), 0o400))
	log := filepath.Join(dir, "ledger", "log")
	must(t, errors.Join(os.RemoveAll(log), os.RemoveAll(filepath.Join(dir, "ledger", "state"))))
	first := h.records[0]
	out, err := pebblelog.Open(log, pebblelog.Options{Identity: wal.Identity{Ledger: wal.ID(first[identityFrom:]), Directory: wal.ID(first[identityFrom+16:])}, Create: true, OnFatal: func(err error) { t.Error(err) }})
	must(t, err)
	for i, r := range h.records {
		payload := r[headBytes:]
		if at == 0 {
			var changed bool
			if payload, changed = rewrite(t, payload, change); changed {
				at = uint64(i) + 1
			}
		}
		c, err := out.Append(payload)
		must(t, err)
		must(t, c.Wait())
	}
	must(t, out.Close())
	e, err := engine.Open(options(dir)) // makes the state
	must(t, err)
	must(t, e.Close())
	if at == 0 {
		t.Fatal("vacuous: nothing was forged")
	}
	return dir, at
}

// rewrite gives a batch with the first command changed that change wants to.
func rewrite(t *testing.T, payload []byte, change func(cmd *ledger.Command, d *command.Details) bool) (out []byte, changed bool) {
	t.Helper()
	head, err := command.ReadBatch(payload)
	must(t, err)
	offsets, err := head.Offsets(nil)
	must(t, err)
	out = command.BeginBatch(nil)
	for _, at := range offsets {
		var cmd ledger.Command
		var d command.Details
		_, err := command.Decode(head.Commands[at:], &cmd, &d)
		must(t, err)
		if cmd.Kind == ledger.KindSettlement && !changed {
			changed = change(&cmd, &d)
		}
		out = command.Append(out, &cmd, &d)
	}
	if !changed {
		return payload, false
	}
	command.EndBatch(out, len(offsets), head.TimeMS)
	return out, true
}

// forged: who owns the machine can write a ledger anew that proves itself. With a root that somebody kept, gongji verify refuses it and names where; the effect
// chain does not see a changed text, the log chain does.
func forged(t *testing.T, h *history) {
	l := proof.New("T18", "forged")
	verify := func(dir string, kept ...Root) (engine.Verdict, error) {
		o := engine.VerifyOptions{Dir: filepath.Join(dir, "ledger"), KeyFile: filepath.Join(dir, "key"), Scratch: t.TempDir()}
		for _, r := range kept {
			o.Roots = append(o.Roots, engine.Root(r))
		}
		return engine.Verify(o)
	}
	if v, err := verify(h.dir, slices.Concat(h.roots, h.effects)...); err != nil || v.Roots != len(h.roots)+len(h.effects) {
		t.Fatalf("false alarm: %d roots, %v", v.Roots, err)
	}
	refused, passed := 0, 0
	for _, x := range []struct {
		name    string
		effects bool // the effect chain sees it
		change  func(*ledger.Command, *command.Details) bool
	}{
		{"amount", true, func(cmd *ledger.Command, _ *command.Details) bool {
			cmd.Bill.Medfee, cmd.Bill.Fulamt = cmd.Bill.Medfee+1, cmd.Bill.Fulamt+1
			return true
		}},
		{"text", false, func(_ *ledger.Command, d *command.Details) bool { d.MedType = 21; return true }},
	} {
		dir, at := h.forge(t, x.change)
		if _, err := verify(dir); err != nil {
			t.Fatalf("%s: the forgery does not prove itself: %v", x.name, err)
		}
		passed++
		if _, err := verify(dir, h.roots...); !errors.Is(err, engine.ErrRoot) {
			t.Errorf("%s at %d: %v", x.name, at, err)
		} else {
			refused++
		}
		if _, err := verify(dir, h.effects...); errors.Is(err, engine.ErrRoot) != x.effects {
			t.Errorf("%s at %d by the effect chain: %v", x.name, at, err)
		}
		records, err := Log(os.DirFS(filepath.Join(dir, "ledger", "log", "segments")))
		must(t, err)
		if f := Records(records, h.roots); f == nil || at < f.First || at > f.Last {
			t.Errorf("%s at %d: the independent checker says %v", x.name, at, f)
		}
		l.Fault(x.name, 1)
	}
	short := append(slices.Clone(h.roots), Root{Sequence: uint64(len(h.records)) + 100})
	if _, err := verify(h.dir, short...); !errors.Is(err, engine.ErrRoot) {
		t.Errorf("a root behind the end: %v", err)
	}
	l.AtLeast("prove_themselves", int64(passed), 2).AtLeast("refused", int64(refused), 2).Word("roots", fmt.Sprint(len(h.roots))).Print(t)
}
