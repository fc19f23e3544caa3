package load

import (
	"errors"
	"fmt"
	"slices"

	"gongji/bench/result"
	"gongji/engine"
	"gongji/engine/ledger"
)

// books are what the engine says of itself at one moment, nothing being under way.
type books struct {
	counters [7]uint64
	totals   ledger.Totals
}

var counterNames = [7]string{"commands", "settlements", "postings", "settlements using authorizers", "settlements all cash", "contested commands", "batches"}

// checked is how many of the counters have an equal among the answers.
const checked = 5

func readBooks(e *engine.Engine) (b books, err error) {
	// The query runs behind all that has been answered, and behind what is counted then.
	err = e.Ask(func(v engine.View) { b.totals = v.State.Totals() })
	s := e.Stats()
	b.counters = [7]uint64{s.Commands.Load(), s.Settlements.Load(), s.Legs.Load(), s.Relatives.Load(), s.Cash.Load(), s.Contested.Load(), s.Batches.Load()}
	return b, err
}

// check compares what the engine says with what it answered, over a run.
func check(before, after books, t *Tally) (breaches []string) {
	told := [checked]uint64{t.Commands, t.Accepted, t.Legs, t.Relatives, t.Cash}
	for i, n := range told {
		if counted := after.counters[i] - before.counters[i]; counted != n {
			breaches = append(breaches, fmt.Sprintf("the engine counted %d %s, answered were %d", counted, counterNames[i], n))
		}
	}
	if sum := after.totals.Sum(); sum != 0 {
		breaches = append(breaches, fmt.Sprintf("the sum over all accounts is %d fen", sum))
	}
	moved := after.totals.Personal + after.totals.Family - before.totals.Personal - before.totals.Family
	if told := t.Credited + t.Returned - t.Paid; moved != told {
		breaches = append(breaches, fmt.Sprintf("personal and family accounts changed by %d fen, by the answers by %d", moved, told))
	}
	return append(breaches, refusals(t)...)
}

// refusals: no workload expects any. What cannot be paid is cash, and nothing else can go wrong.
func refusals(t *Tally) (breaches []string) {
	for o, n := range t.Refused {
		breaches = append(breaches, fmt.Sprintf("%d times refused: %s", n, o))
	}
	slices.Sort(breaches)
	return breaches
}

// fullBatch is the mean size from which contested commands must be as many as a workload is made for: small batches run serially, where nothing is contested.
const fullBatch = 512

// outside tells which bands a run has left.
func (b *Bands) outside(m *result.Mix, several, batch float64) (breaches []string) {
	for _, x := range []struct {
		what  string
		value float64
		band  Band
	}{
		{"postings a settlement", m.Postings, b.Postings}, {"share using authorizers", m.Relatives, b.Relatives}, {"share all cash", m.AllCash, b.Cash},
		{"share with several postings", several, b.Several}, {"contested share", m.Contested, b.contested(batch, m.Serial)}, {"drift of the money", m.Drift, b.Drift},
	} {
		if !x.band.has(x.value) {
			breaches = append(breaches, fmt.Sprintf("%s %.4f is outside %.4f to %.4f", x.what, x.value, x.band.Low, x.band.High))
		}
	}
	return breaches
}

func (b *Bands) contested(batch, serial float64) Band {
	if batch < fullBatch || serial > 0.5 {
		return Band{0, b.Contested.High}
	}
	return b.Contested
}

// digests pin a ledger.
type digests struct {
	sequence    uint64
	chain, hash [32]byte
}

func readDigests(e *engine.Engine) (digests, error) {
	t, err := e.Totals(engine.AskLimit, 0)
	return digests{t.Sequence, t.EffectChain, t.StateHash}, err
}

// reopened closes a ledger, opens it again and compares.
func reopened(e *engine.Engine, o engine.Options) (breaches []string, err error) {
	before, err := readDigests(e)
	if err != nil {
		return nil, errors.Join(err, e.Close())
	}
	if err := e.Close(); err != nil {
		return nil, err
	}
	o.Create, o.Observe = false, nil
	if e, err = engine.Open(o); err != nil {
		return nil, err
	}
	after, err := readDigests(e)
	if after != before {
		breaches = append(breaches, fmt.Sprintf("closed at batch %d state %x effects %x, opened at %d %x %x",
			before.sequence, before.hash[:4], before.chain[:4], after.sequence, after.hash[:4], after.chain[:4]))
	}
	return breaches, errors.Join(err, e.Close())
}
