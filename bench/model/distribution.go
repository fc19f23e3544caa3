package model

import (
	"fmt"
	"sort"
	"strings"
)

// Distribution counts what a generator has produced, so that a test can refuse a run that tested nothing.
type Distribution struct {
	Batches      int
	Commands     int
	Kinds        map[int]int    // by kind
	Outcomes     map[int]int    // by outcome of commands
	Items        map[int]int    // by outcome of single numbers in unbindings
	KindOutcomes map[[2]int]int // by kind and outcome
	RelativeLegs [4]int         // accepted settlements with 0, 1, 2, 3 or more relatives' legs
	PairsInBatch int            // a settlement and its undoing in one batch, in either order
	FundedInside int            // settlement legs that money of the same batch made possible
	Shared       int            // relatives' legs on an account another patient drew on earlier in the batch
	JustEnough   int            // settlements that are covered and leave their last account at 0
	Swept        int            // reversals that came to a dissolved family and went on to its creator
	Returned     int            // dissolutions that gave money back, by any kind of command
	Opened       int            // accepted settlements that a password opened a relative's account for
	Visited      int            // accepted settlements of a visit's lines
	Unsettled    int            // reversals that gave lines back to a visit
	GoneVisits   int            // reversals whose visit was not held any more
	Short        int            // accepted settlements with payable money left to cash

	sequence uint64
	drawnBy  map[uint64]uint32 // in this batch: account, first patient who drew on it as a relative
}

func newDistribution() *Distribution {
	return &Distribution{
		Kinds: map[int]int{}, Outcomes: map[int]int{}, Items: map[int]int{}, KindOutcomes: map[[2]int]int{},
		drawnBy: map[uint64]uint32{},
	}
}

// count looks at one command right after it was applied to the model.
func (d *Distribution) count(m *Model, now moment, c Command, r Result) {
	if d.sequence != now.sequence {
		d.sequence, d.drawnBy = now.sequence, map[uint64]uint32{}
	}
	d.Commands++
	d.Kinds[c.Kind()]++
	d.Outcomes[r.Outcome]++
	d.KindOutcomes[[2]int{c.Kind(), r.Outcome}]++
	for _, item := range r.Items {
		d.Items[item.Outcome]++
	}
	if r.Outcome == Accepted && r.Original != 0 && r.Original>>20 == now.sequence {
		d.PairsInBatch++
	}
	if r.Outcome == Blocked && m.ids[message(c).ID].Position>>20 == now.sequence {
		d.PairsInBatch++
	}
	d.countFamily(c, r)
	d.countVisit(c, r)
	if s, ok := c.(Settlement); ok && r.Outcome == Accepted {
		if now.policy.PasswordTries != 0 && len(s.Passwords) > 0 && r.Mulaid > 0 {
			d.Opened++
		}
		d.countSettlement(m, now, m.byPsn[s.Psn], r)
	}
}

func (d *Distribution) countVisit(c Command, r Result) {
	switch {
	case r.Visit == 0 || c.Kind() >= KindVisitOpen:
	case c.Kind() == KindSettlement:
		d.Visited++
	case r.Number > 0:
		d.Unsettled++
	default:
		d.GoneVisits++
	}
}

func (d *Distribution) countFamily(c Command, r Result) {
	for i, leg := range r.Legs {
		switch {
		case leg.Account>>56 != AccountFamily || leg.Amount > 0 || c.Kind() == KindSettlement:
		case i == 0:
			d.Returned++
		default:
			d.Swept++
		}
	}
}

func (d *Distribution) countSettlement(m *Model, now moment, patient *PersonState, r Result) {
	relatives := 0
	for _, leg := range r.Legs {
		if before, ok := m.postingAt(leg.Account, leg.Prev); ok && leg.Prev>>20 == now.sequence &&
			before.Amount > 0 && before.After-before.Amount < -leg.Amount {
			d.FundedInside++
		}
		if leg.Account == patient.account() {
			continue
		}
		relatives++
		if first, ok := d.drawnBy[leg.Account]; ok && first != patient.Number {
			d.Shared++
		} else {
			d.drawnBy[leg.Account] = patient.Number
		}
	}
	d.RelativeLegs[min(relatives, 3)]++
	if r.Own+r.Mulaid < r.Payable {
		d.Short++
	} else if len(r.Legs) > 0 && r.Legs[len(r.Legs)-1].After == 0 {
		d.JustEnough++
	}
}

// String is a table for test logs.
func (d *Distribution) String() string {
	var out strings.Builder
	fmt.Fprintf(&out, "batches=%d commands=%d pairs_in_batch=%d funded_inside=%d shared=%d just_enough=%d short=%d opened=%d swept=%d returned=%d visited=%d unsettled=%d gone=%d",
		d.Batches, d.Commands, d.PairsInBatch, d.FundedInside, d.Shared, d.JustEnough, d.Short, d.Opened, d.Swept, d.Returned, d.Visited, d.Unsettled, d.GoneVisits)
	fmt.Fprintf(&out, " relatives_legs{0:%d 1:%d 2:%d 3+:%d}\n",
		d.RelativeLegs[0], d.RelativeLegs[1], d.RelativeLegs[2], d.RelativeLegs[3])
	for _, kind := range Kinds() {
		fmt.Fprintf(&out, "kind %2d: %7d", kind, d.Kinds[kind])
		for _, outcome := range sortedKeys(d.Outcomes) {
			if n := d.KindOutcomes[[2]int{kind, outcome}]; n > 0 {
				fmt.Fprintf(&out, " %s:%d", OutcomeName(outcome), n)
			}
		}
		out.WriteByte('\n')
	}
	out.WriteString("unbinding numbers:")
	for _, outcome := range sortedKeys(d.Items) {
		fmt.Fprintf(&out, " %s:%d", OutcomeName(outcome), d.Items[outcome])
	}
	out.WriteByte('\n')
	return out.String()
}

// Kinds are the numbers of all commands, in order.
func Kinds() (kinds []int) {
	for _, w := range mixedWeights {
		kinds = append(kinds, w.kind)
	}
	sort.Ints(kinds)
	return kinds
}

func sortedKeys(counts map[int]int) []int {
	keys := []int{}
	for key := range counts {
		keys = append(keys, key)
	}
	sort.Ints(keys)
	return keys
}
