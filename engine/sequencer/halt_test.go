package sequencer

import (
	"errors"
	"fmt"
	"math/rand/v2"
	"testing"

	"gongji/engine/command"
	"gongji/engine/ledger"
)

// haltClock jumps forward at its at-th look, which halts admission.
type haltClock struct{ looks, at int }

func (c *haltClock) Wall() int64 {
	if c.looks++; c.looks >= c.at {
		return 1_000 + 2*StepMaxMS
	}
	return 1_000
}
func (*haltClock) Monotonic() int64 { return 0 }

// ticks is a request of n commands of differing lengths, so that batches also end by bytes.
func ticks(class Class, n, text int) *Request {
	r := NewRequest()
	r.Class, r.Count = class, n
	for range n {
		r.Commands = command.Append(r.Commands, &ledger.Command{Kind: ledger.KindTick, More: &ledger.More{}}, &command.Details{Blob: make([]byte, text)})
	}
	return r
}

// TestHaltAnywhere: wherever the clock halts, a request is answered once, with the results of exactly its commands that were logged and with
// ErrClock if that is not all of them; nothing is left waiting.
func TestHaltAnywhere(t *testing.T) {
	partly := 0
	for seed := range uint64(300) {
		t.Run(fmt.Sprint(seed), func(t *testing.T) { partly += haltOnce(t, rand.New(rand.NewPCG(seed, 0))) })
	}
	if partly < 60 {
		t.Errorf("only %d requests were cut by a halt", partly)
	}
}

func haltOnce(t *testing.T, r *rand.Rand) (partly int) {
	log := &fakeLog{}
	s := New(log, &haltClock{at: 1 + r.IntN(12)}, 0)
	var all []*Request
	for range 1 + r.IntN(8) {
		text := 0
		if r.IntN(3) == 0 {
			text = command.BlobMax
		}
		req := ticks(Class(r.IntN(int(Bulk)+1)), 1+r.IntN(CommandsPerRequestMax), text)
		if err := s.Submit(req); err == nil {
			all = append(all, req)
		} else if !errors.Is(err, ErrBusy) {
			t.Fatal(err)
		}
	}
	s.Close()
	batches, err := drain(t, s)
	must(t, err)
	logged := map[*Request]int{}
	for _, b := range batches {
		for _, sp := range b.Spans {
			logged[sp.Request] += sp.Count
		}
	}
	for i, req := range all {
		select {
		case <-req.Done():
		default:
			t.Fatalf("request %d has no answer", i)
		}
		whole := len(req.Results) == req.Count
		if len(req.Results) != logged[req] || whole != (req.Err == nil) || !whole && !errors.Is(req.Err, ErrClock) {
			t.Errorf("request %d of %d commands: %d logged, %d results, error %v", i, req.Count, logged[req], len(req.Results), req.Err)
		}
		if !whole && len(req.Results) > 0 {
			partly++
		}
		select {
		case <-req.Done():
			t.Errorf("request %d was answered twice", i)
		default:
		}
	}
	if waiting := s.waiting; s.Depth() != 0 || waiting != [Bulk + 1]int{} {
		t.Errorf("depth %d, waiting %v after all", s.Depth(), waiting)
	}
	return partly
}
