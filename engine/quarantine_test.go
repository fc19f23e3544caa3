package engine_test

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync/atomic"
	"testing"

	"gongji/bench/model"
	"gongji/bench/oracle"
	"gongji/bench/proof"
	"gongji/engine"
	"gongji/engine/executor"
	"gongji/engine/ledger"
	"gongji/engine/sequencer"
	"gongji/shard"
	"gongji/wal"
)

// planted is an id table in which looking for one key, or claiming it, kills whoever does. It stands for a defect of the rules.
type planted struct {
	shard.IDs
	find, claim *atomic.Pointer[ledger.Key]
	hits        *atomic.Int64
}

func (x planted) Find(k ledger.Key) (ledger.IDEntry, bool) {
	x.trip(x.find, k)
	return x.IDs.Find(k)
}

func (x planted) Claim(cmd *ledger.Command, p ledger.Position, existing *ledger.IDEntry) bool {
	x.trip(x.claim, cmd.ID)
	return x.IDs.Claim(cmd, p, existing)
}

func (x planted) trip(at *atomic.Pointer[ledger.Key], k ledger.Key) {
	if key := at.Load(); key != nil && *key == k {
		x.hits.Add(1)
		panic("BUG: planted")
	}
}

// poisoned is a ledger with a log in whose middle a command kills the process.
type poisoned struct {
	place
	lens    planted
	clock   *steppedClock
	batches []model.Batch // what was sent, and is to be sent behind
	next    int
}

func newPoisoned(t *testing.T) *poisoned {
	g := model.NewGenerator(11)
	p := &poisoned{place: place{t, t.TempDir()}, clock: &steppedClock{}, lens: planted{find: &atomic.Pointer[ledger.Key]{}, claim: &atomic.Pointer[ledger.Key]{}, hits: &atomic.Int64{}}}
	for _, s := range g.Setup() {
		p.batches = append(p.batches, s.Batch)
	}
	for range 12 {
		p.batches = append(p.batches, g.MoneyBatch(120).Batch, g.MixedBatch(20).Batch)
	}
	p.clock.wall = p.batches[0].TimeMS
	return p
}

// tune are the options of a start: shards, and what the operator says.
func (p *poisoned) tune(shards int, q *engine.Quarantine) engine.Options {
	o := p.options()
	o.Clock, o.Shards, o.ShardedCommandsMin, o.CheckpointBytes, o.Quarantine = p.clock, shards, 1, 1<<40, q
	o.Fatal = func(error) {}
	engine.PlantIDs(&o, func(ids shard.IDs) shard.IDs {
		lens := p.lens
		lens.IDs = ids
		return lens
	})
	return o
}

func (p *poisoned) start(shards int, q *engine.Quarantine) *engine.Engine {
	p.t.Helper()
	e, err := engine.Open(p.tune(shards, q))
	if err != nil {
		p.t.Fatal(err)
	}
	return e
}

// refused starts and demands that the start fails, with text in its error.
func (p *poisoned) refused(o engine.Options, want error, text string) {
	p.t.Helper()
	e, err := engine.Open(o)
	if err == nil {
		must(p.t, e.Close())
	}
	if err == nil || want != nil && !errors.Is(err, want) || !strings.Contains(err.Error(), text) {
		p.t.Errorf("started with %v, wanted %v %q", err, want, text)
	}
}

// send sends the next n batches.
func (p *poisoned) send(e *engine.Engine, n int) {
	p.t.Helper()
	must(p.t, e.ConfirmClock())
	for ; n > 0; n-- {
		b := p.batches[p.next]
		p.next++
		p.clock.wall = b.TimeMS
		must(p.t, e.Housekeep())
		send(p.t, e, withoutDayKeys(b))
	}
	must(p.t, e.Housekeep()) // a start would find the rest due
}

// victim is a settlement of a batch whose id nothing else there has.
func victim(t *testing.T, b model.Batch) (model.Settlement, int) {
	named := map[model.Key]int{}
	for _, c := range b.Commands {
		switch c := c.(type) {
		case model.Settlement:
			named[c.ID]++
		case model.ReversalByMessage:
			named[c.ID]++
			named[c.OriginalID]++
		}
	}
	for i, c := range b.Commands {
		if s, ok := c.(model.Settlement); ok && i > len(b.Commands)/3 && s.ID != (model.Key{}) && named[s.ID] == 1 {
			return s, i
		}
	}
	t.Fatal("vacuous: no settlement")
	return model.Settlement{}, 0
}

// die sends one request that kills the engine and tells which command it named.
func (p *poisoned) die(e *engine.Engine, b model.Batch) *executor.Poison {
	p.t.Helper()
	r := sequencer.NewRequest()
	for _, c := range b.Commands {
		r.Commands = oracle.AppendCommand(r.Commands, c)
		r.Count++
	}
	if err := e.Do(r); !errors.Is(err, engine.ErrFailed) || len(r.Results) != 0 {
		p.t.Fatalf("answered %d with %v", len(r.Results), err)
	}
	var poison *executor.Poison
	if err := e.Close(); !errors.As(err, &poison) {
		p.t.Fatalf("died of %v", err)
	}
	must(p.t, e.Bury())
	return poison
}

func (p *poisoned) isAsBefore(e *engine.Engine, want digest) {
	p.t.Helper()
	if d := digestOf(p.t, e); d != want {
		p.t.Errorf("at %d state %x chain %x, was at %d %x %x", d.sequence, d.hash[:4], d.chain[:4], want.sequence, want.hash[:4], want.chain[:4])
	}
}

// TestPoison: a command that kills the process is named, the start dies of the same one, and only its quarantine lets the ledger go on; digests are the
// same on every replay and wherever the operator says the same words; verify lists it. Aimed elsewhere or twice it is refused and writes nothing.
// (design.md 3, Poison; P4, P14)
func TestPoison(t *testing.T) {
	t.Run("in a shard", func(t *testing.T) {
		testPoison(t, func(p *poisoned, e *engine.Engine) *executor.Poison {
			b := p.batches[p.next]
			s, _ := victim(t, b)
			p.clock.wall = b.TimeMS
			must(t, e.Housekeep())
			p.lens.claim.Store((*ledger.Key)(&s.ID))
			p.next++
			return p.die(e, b)
		})
	})
	t.Run("in the resolver", func(t *testing.T) {
		testPoison(t, func(p *poisoned, e *engine.Engine) *executor.Poison {
			b := p.batches[p.next]
			p.clock.wall = b.TimeMS
			must(t, e.Housekeep())
			var s model.Settlement
			var at ledger.Position
			for i, r := range send(t, e, withoutDayKeys(b)) {
				if c, ok := b.Commands[i].(model.Settlement); ok && r.Effect.Outcome == ledger.Accepted {
					s, at = c, r.Position
				}
			}
			key := ledger.UndoKey(at)
			p.lens.find.Store(&key)
			p.next++
			undo := model.ReversalByID{Message: model.Message{ID: model.Key{1, 2, 3}}, Settlement: uint64(at), Institution: s.Institution, Psn: s.Psn}
			others := p.batches[p.next+1].Commands // money
			return p.die(e, model.Batch{Commands: slices.Concat(others[:40], []model.Command{undo}, others[40:80])})
		})
	})
}

func testPoison(t *testing.T, kill func(*poisoned, *engine.Engine) *executor.Poison) {
	line := proof.New("T12", "poison")
	p := newPoisoned(t)
	e := p.start(4, nil)
	p.send(e, 8)
	must(t, e.Close()) // a checkpoint
	checkpoint := p.stopped()
	e = p.start(4, nil)
	p.send(e, 3)
	poison := kill(p, e)
	if poison.Index < 0 || !strings.Contains(poison.Error(), fmt.Sprintf("command %d:%d (%s) kills the process: BUG: planted < ", poison.Sequence, poison.Index, poison.Kind.Name())) {
		t.Errorf("named %v", poison)
	}
	named := fmt.Sprintf("command %d:%d (", poison.Sequence, poison.Index)
	for _, shards := range []int{1, 8} {
		p.refused(p.tune(shards, nil), nil, named)
	}
	aim := func(sequence uint64, index int, reason string) engine.Options {
		return p.tune(2, &engine.Quarantine{Sequence: sequence, Index: index, Reason: reason})
	}
	const reason = "ticket 4711"
	for _, c := range []struct {
		options engine.Options
		text    string
	}{
		{aim(poison.Sequence, poison.Index+1, reason), named},
		{aim(checkpoint+1, 0, reason), named},
		{aim(checkpoint, 0, reason), "rewrite history"},
		{aim(1, 0, reason), "founds the ledger"},
		{aim(poison.Sequence+1, 0, reason), "behind the end of the log"},
		{aim(poison.Sequence, poison.Index, ""), "reason"},
		{aim(poison.Sequence, poison.Index, "of 11010119900101123X"), "names nobody"},
		{aim(poison.Sequence, poison.Index, strings.Repeat("x", engine.QuarantineReasonMax+1)), "reason"},
	} {
		p.refused(c.options, engine.ErrQuarantine, c.text)
		if _, err := os.Stat(filepath.Join(p.options().Dir, "QUARANTINE")); err == nil {
			t.Fatalf("a refused quarantine was written: %s", c.text)
		}
	}
	right := &engine.Quarantine{Sequence: poison.Sequence, Index: poison.Index, Reason: reason}
	e = p.start(2, right)
	p.send(e, 3)
	d := digestOf(t, e)
	must(t, e.Crash()) // only the checkpoint from before is there
	p.refused(p.tune(2, right), engine.ErrQuarantine, "already")
	e = p.start(8, nil)
	p.isAsBefore(e, d)
	must(t, e.Close())
	p.refused(p.tune(2, right), engine.ErrQuarantine, "already")
	v := verify(t, p.options(), d)
	if len(v.Quarantined) != 1 || v.Quarantined[0].Sequence != poison.Sequence || v.Quarantined[0].Index != poison.Index || v.Quarantined[0].Kind != poison.Kind || v.Quarantined[0].Reason != reason {
		t.Errorf("verify lists %+v", v.Quarantined)
	}
	p.elsewhere(d, right, named)
	line.Fault("panic", p.lens.hits.Load()).AtLeast("sequence", int64(d.sequence), 20).Print(t)
}

// stopped is the sequence of the checkpoint that a start would load.
func (p *poisoned) stopped() (sequence uint64) {
	o := p.tune(1, nil)
	o.Report = func(event string, values map[string]any) {
		if event == "recovered" {
			sequence = values["checkpoint_sequence"].(uint64)
		}
	}
	e, err := engine.Open(o)
	must(p.t, err)
	must(p.t, e.Close())
	return sequence
}

// elsewhere replays the ledger from zero on other machines: a copy with its side record, and one whose operator says the same or something else.
func (p *poisoned) elsewhere(want digest, right *engine.Quarantine, named string) {
	t := p.t
	t.Helper()
	other := func(without ...string) *poisoned {
		q := *p
		q.place = place{t, t.TempDir()}
		must(t, os.CopyFS(q.dir, os.DirFS(p.dir)))
		must(t, os.Chmod(q.options().KeyFile, 0o400))
		for _, name := range without {
			must(t, os.RemoveAll(filepath.Join(q.options().Dir, name)))
		}
		return &q
	}
	copied := other("state")
	e := copied.start(8, nil)
	copied.isAsBefore(e, want)
	twin := filepath.Join(copied.dir, "copy", "ledger")
	must(t, e.Checkpoint(twin))
	must(t, e.Close())
	o := copied.options()
	o.Dir = twin
	if v := verify(t, o, want); len(v.Quarantined) != 1 {
		t.Errorf("the copy lists %+v", v.Quarantined)
	}

	same := other("state", "QUARANTINE")
	same.refused(same.tune(4, nil), nil, named)
	e = same.start(4, right)
	same.isAsBefore(e, want)
	must(t, e.Close())

	otherWords := other("state", "QUARANTINE")
	e = otherWords.start(4, &engine.Quarantine{Sequence: right.Sequence, Index: right.Index, Reason: "something else"})
	if d := digestOf(t, e); d.hash == want.hash || d.chain != want.chain {
		t.Errorf("another reason: state %x chain %x, with the right one %x %x", d.hash[:4], d.chain[:4], want.hash[:4], want.chain[:4])
	}
	must(t, e.Close())

	lost := other("QUARANTINE")
	lost.refused(lost.tune(2, nil), nil, "1 quarantined commands")
	if _, err := engine.Verify(engine.VerifyOptions{Dir: lost.options().Dir, KeyFile: lost.options().KeyFile, Scratch: t.TempDir()}); err == nil {
		t.Error("verified without its side record")
	}
	p.damaged(other)
}

// damaged: a side record with one bit changed, cut, or of another ledger is refused.
func (p *poisoned) damaged(other func(...string) *poisoned) {
	t := p.t
	t.Helper()
	whole, err := os.ReadFile(filepath.Join(p.options().Dir, "QUARANTINE"))
	must(t, err)
	q := other()
	path := filepath.Join(q.options().Dir, "QUARANTINE")
	for at := range whole {
		b := append([]byte(nil), whole...)
		b[at] ^= 1
		must(t, os.WriteFile(path, b, 0o600))
		if n, err := engine.ReadQuarantines(q.options().Dir); n != 0 || err == nil || !strings.Contains(err.Error(), "QUARANTINE, record 1") {
			t.Errorf("bit 0 of byte %d: %d read, %v", at, n, err)
		}
	}
	q.refused(q.tune(2, nil), nil, "QUARANTINE, record 1")
	must(t, os.WriteFile(path, whole[:len(whole)-1], 0o600))
	q.refused(q.tune(2, nil), nil, "QUARANTINE, record 1")
	must(t, os.WriteFile(path, append(append([]byte(nil), whole...), whole...), 0o600))
	q.refused(q.tune(2, nil), nil, "QUARANTINE, record 2")
	stranger := newPoisoned(t)
	must(t, stranger.start(1, nil).Close())
	must(t, os.WriteFile(filepath.Join(stranger.options().Dir, "QUARANTINE"), whole, 0o600))
	stranger.refused(stranger.tune(2, nil), wal.ErrForeign, "QUARANTINE")
}

// TestPoisonOfKeep: an effect that cannot be written is named like a command that cannot be run.
func TestPoisonOfKeep(t *testing.T) {
	g := model.NewGenerator(1)
	payload := oracle.Encode(g.Setup()[0].Batch)
	var poison *executor.Poison
	if err := engine.KeepImpossible(payload, 5); !errors.As(err, &poison) || poison.Sequence != 7 || poison.Index != 5 || !strings.HasPrefix(poison.Cause, "BUG") {
		t.Errorf("%v", err)
	}
}

// TestPoisonAnswered: what was executed before, and may have been answered, cannot be taken out, even where this build dies of it. (P3, P6)
func TestPoisonAnswered(t *testing.T) {
	p := newPoisoned(t)
	e := p.start(2, nil)
	p.send(e, 5)
	b := p.batches[p.next]
	p.clock.wall = b.TimeMS
	must(t, e.Housekeep())
	s, i := victim(t, b)
	at := send(t, e, b)[i].Position
	copied := *p
	copied.place = place{t, filepath.Join(p.dir, "copy")}
	must(t, e.Checkpoint(copied.options().Dir)) // flushes the journal, makes no checkpoint
	must(t, e.Close())
	key, err := os.ReadFile(p.options().KeyFile)
	must(t, err)
	must(t, os.WriteFile(copied.options().KeyFile, key, 0o400))
	p.lens.claim.Store((*ledger.Key)(&s.ID))
	copied.refused(copied.tune(2, nil), nil, fmt.Sprintf("command %d:%d (settlement)", at.Sequence(), at.Index()))
	copied.refused(copied.tune(2, &engine.Quarantine{Sequence: at.Sequence(), Index: at.Index(), Reason: "test"}), engine.ErrQuarantine, "was executed before")
}
