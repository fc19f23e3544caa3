package load

import (
	"errors"
	"fmt"
	"math"
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

// chance is how many standard deviations a share may lie outside its band: what few settlements come to is no finding, and at 20,000 of them it is 0.008 for
// a share of 0.08.
const chance = 4

// outside tells which bands a run of n settlements has left.
func (b *Bands) outside(m *result.Mix, n uint64, batch float64) (breaches []string) {
	if n == 0 {
		return []string{"nothing was settled"}
	}
	for _, x := range []struct {
		what  string
		value float64
		band  Band
	}{
		{postingsEach, m.Postings, b.Postings}, {"share using authorizers", m.Relatives, b.Relatives}, {"share all cash", m.AllCash, b.Cash},
		{"share with several postings", m.Extra[extraSeveral], b.Several}, {"contested share", m.Contested, b.contested(batch, m.Serial)}, {driftOfMoney, m.Drift, b.Drift},
	} {
		slack := chance * math.Sqrt(variance(x.what, x.value)/float64(n))
		if wide := (Band{x.band.Low - slack, x.band.High + slack}); !wide.has(x.value) {
			breaches = append(breaches, fmt.Sprintf("%s %.4f is outside %.4f to %.4f", x.what, x.value, x.band.Low, x.band.High))
		}
	}
	return breaches
}

// variance of a figure over settlements: of a share its own, of postings about that of 0, 1 and 2. The money's drift is no matter of chance.
func variance(what string, x float64) float64 {
	switch what {
	case driftOfMoney:
		return 0
	case postingsEach:
		return 0.25
	}
	return max(0, x*(1-x))
}

const postingsEach = "postings a settlement"

const driftOfMoney = "drift of the money"

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
