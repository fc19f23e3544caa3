//go:build !race

package sequencer_test

import (
	"testing"

	"gongji/bench/load"
	"gongji/engine/sequencer"
	"gongji/wal"
)

// freeLog takes everything and allocates nothing.
type freeLog struct{ commit wal.Commit }

func (l freeLog) Append([]byte) (wal.Commit, error) { return l.commit, nil }

type freeCommit struct{ sequence *uint64 }

func (c freeCommit) Sequence() uint64 { *c.sequence++; return *c.sequence }
func (freeCommit) Link() (l wal.Link) { return }
func (freeCommit) Wait() error        { return nil }

type standing struct{}

func (standing) Wall() int64      { return 1_768_406_400_000 }
func (standing) Monotonic() int64 { return 0 }

// TestSubmitCutAllocs: admission, cut, stamp, decoding of the batch and its way back allocate nothing once all batches have grown.
func TestSubmitCutAllocs(t *testing.T) {
	const requests, commands = 4, 4
	s := sequencer.NewStepped(freeLog{freeCommit{new(uint64)}}, standing{}, 0, sequencer.BatchCommands)
	stream := load.NewWorld(100).NewStream(load.DefaultMix, 1, 1)
	var all []*sequencer.Request
	for range requests {
		r := sequencer.NewRequest()
		for range commands {
			r.Commands, _ = stream.Append(r.Commands)
		}
		all = append(all, r)
	}
	bytes := make([]int, requests)
	for i, r := range all {
		bytes[i] = len(r.Commands)
	}
	cut := 0
	round := func() {
		for i, r := range all {
			r.Reset()
			r.Commands, r.Count = r.Commands[:bytes[i]], commands
			if err := s.Submit(r); err != nil {
				t.Fatal(err)
			}
		}
		if n, err := s.Step(); err != nil || n != requests {
			t.Fatal(n, err)
		}
		b := <-s.Batches()
		cut += len(b.Opened.Commands)
		s.Recycle(b)
	}
	for range sequencer.SteppedBatches + 1 {
		round()
	}
	cut = 0
	if n := testing.AllocsPerRun(200, round); n != 0 {
		t.Errorf("%v allocations for %d requests", n, requests)
	}
	if cut != 201*requests*commands {
		t.Errorf("%d commands cut, %d submitted", cut, 201*requests*commands)
	}
}
