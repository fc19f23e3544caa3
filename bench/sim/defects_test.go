package sim

import (
	"errors"
	"strings"
	"testing"

	"gongji/engine/ledger"
	"gongji/engine/sequencer"
	"gongji/shard"
	"gongji/wal"
	"gongji/wal/memlog"
)

// defectSeeds is how many seeds a defect may hide from: each of them is seen by nearly every seed that has the faults it needs.
const defectSeeds = 12

// TestDefects plants mistakes in the machine, and the simulation must see each (reliability.md 3.2 rule 6, T20).
func TestDefects(t *testing.T) {
	for _, c := range []struct {
		name   string
		defect defect
		want   []string // one of them is in what is told
	}{
		{"answers before the log is durable", defect{log: lyingLog}, []string{"answered, and lost", "the state is of", "a question sees batch"}},
		{"recovery loses a committed record", defect{disk: dropLast}, []string{"answered, and lost", "the state is of"}},
		{"recovery has a batch twice", defect{disk: repeatLast}, []string{"more often than it came in"}},
		{"a checkpoint without tombstones", defect{lookup: forget(ledger.TagTombstone)}, []string{"model says", "executed at", "differs after the restart"}},
		{"a checkpoint without ids", defect{lookup: forget(ledger.TagCommand)}, []string{"model says", "executed at", "differs after the restart"}},
		{"an id conflict compares the id only", defect{lookup: looseConflict}, []string{"model says"}},
		{"an answer is not what was decided", defect{answer: embellish}, []string{"the journal says"}},
	} {
		t.Run(c.name, func(t *testing.T) { mustSee(t, c.defect, c.want) })
	}
}

func mustSee(t *testing.T, d defect, want []string) {
	for seed := uint64(1); seed <= defectSeeds; seed++ {
		_, _, err := run(seed, 500, d)
		if err == nil {
			continue
		}
		for _, w := range want {
			if strings.Contains(err.Error(), w) {
				t.Logf("seen: %.300v", err)
				return
			}
		}
		t.Fatalf("seen, but told as something else: %v", err)
	}
	t.Fatalf("%d seeds saw nothing", defectSeeds)
}

// liar is a log whose Wait does not wait.
type liar struct {
	wal.Log
	payloads map[uint64][]byte
}

type lie struct{ wal.Commit }

func (lie) Wait() error { return nil }

func lyingLog(l wal.Log) wal.Log { return &liar{l, map[uint64][]byte{}} }

func (l *liar) Append(payload []byte) (wal.Commit, error) {
	c, err := l.Log.Append(payload)
	if err != nil {
		return nil, err
	}
	l.payloads[c.Sequence()] = append([]byte(nil), payload...)
	return lie{c}, nil
}

func (l *liar) Get(sequence uint64, dst []byte) (wal.Record, error) {
	if p, staged := l.payloads[sequence]; staged {
		return wal.Record{Sequence: sequence, Payload: append(dst, p...)}, nil
	}
	return l.Log.Get(sequence, dst)
}

// rewritten is a disk with other records, and everything about it in order.
func rewritten(d *memlog.Disk, edit func([][]byte) [][]byte) *memlog.Disk {
	before, err := memlog.Open(d, memlog.Options{Identity: identity})
	if err != nil {
		panic(err)
	}
	var all [][]byte
	err = before.Read(0, func(r wal.Record) error {
		all = append(all, append([]byte(nil), r.Payload...))
		return nil
	})
	after := memlog.NewDisk()
	log, openErr := memlog.Open(after, memlog.Options{Identity: identity})
	if err = errors.Join(err, openErr, before.Close()); err != nil {
		panic(err)
	}
	for _, p := range edit(all) {
		c, err := log.Append(p)
		if err == nil {
			err = c.Wait()
		}
		if err != nil {
			panic(err)
		}
	}
	if err := log.Close(); err != nil {
		panic(err)
	}
	return after
}

func dropLast(d *memlog.Disk) *memlog.Disk {
	return rewritten(d, func(all [][]byte) [][]byte { return all[:len(all)-1] })
}

func repeatLast(d *memlog.Disk) *memlog.Disk {
	return rewritten(d, func(all [][]byte) [][]byte { return append(all, all[len(all)-1]) })
}

// forgetful does not find what was in the id table before this start, of one tag.
type forgetful struct {
	shard.IDs
	tag ledger.Tag
	own map[ledger.Key]bool // inserted since
}

func forget(tag ledger.Tag) func(shard.IDs, int) shard.IDs {
	return func(x shard.IDs, _ int) shard.IDs { return &forgetful{x, tag, map[ledger.Key]bool{}} }
}

func (f *forgetful) forgotten(k ledger.Key) bool {
	e, found := f.IDs.Find(k)
	return found && e.Tag == f.tag && !f.own[k]
}

func (f *forgetful) Find(k ledger.Key) (ledger.IDEntry, bool) {
	if f.forgotten(k) {
		return ledger.IDEntry{}, false
	}
	return f.IDs.Find(k)
}

func (f *forgetful) Claim(cmd *ledger.Command, p ledger.Position, existing *ledger.IDEntry) bool {
	if f.forgotten(cmd.ID) {
		return false
	}
	found := f.IDs.Claim(cmd, p, existing)
	if !found {
		f.own[cmd.ID] = true
	}
	return found
}

func (f *forgetful) Insert(e ledger.IDEntry) {
	if f.forgotten(e.Key) {
		return
	}
	f.own[e.Key] = true
	f.IDs.Insert(e)
}

// loose gives every command that meets its id the digest that makes it a repeat.
type loose struct{ shard.IDs }

func looseConflict(x shard.IDs, _ int) shard.IDs { return loose{x} }

func (l loose) Claim(cmd *ledger.Command, p ledger.Position, existing *ledger.IDEntry) bool {
	found := l.IDs.Claim(cmd, p, existing)
	if found && existing.Tag == ledger.TagCommand {
		existing.Digest = cmd.Digest
	}
	return found
}

// embellish tells a refusal for want of money as done.
func embellish(results []sequencer.Result) (done bool) {
	for i := range results {
		if f := &results[i].Effect; f.Outcome != ledger.Accepted && f.Kind == ledger.KindSettlement && isOwn(f.Outcome) {
			f.Outcome, done = ledger.Accepted, true
		}
	}
	return done
}
