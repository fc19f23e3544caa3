package load

import "gongji/engine/ledger"

// Call is a kind of call that a workload makes.
type Call uint8

// The calls.
const (
	CallSettlement Call = iota
	CallCredit
	CallPreview
	CallBalance
	CallLookup
	CallEntry
	CallReversal
	CallBinding
	CallUnbinding
	CallPremium
	CallRunCredit
	CallRun
	calls
)

var callNames = [calls]string{"settlement", "credit", "preview", "balance", "lookup", "entry", "reversal", "binding", "unbinding", "premium", "run credit", "run"}

// Tally counts answers. It belongs to one goroutine; others read it when that has ended.
type Tally struct {
	Calls                                    [calls]uint64
	Accepted, Legs, Relatives, Cash, Several uint64 // of settlements; Several: with two postings and more
	Commands, Bytes                          uint64 // answered, refused ones too; encoded
	Requests                                 uint64
	Credited, Paid, Returned                 int64 // fen: into accounts, out of them, back by reversals
	Refused                                  map[ledger.Outcome]uint64
}

func (t *Tally) refuse(o ledger.Outcome) {
	if t.Refused == nil {
		t.Refused = map[ledger.Outcome]uint64{}
	}
	t.Refused[o]++
}

func (t *Tally) settled(f *ledger.Effect) {
	t.Accepted++
	t.Legs += uint64(f.LegCount)
	t.Paid += f.Own + f.Mulaid
	if f.Mulaid > 0 {
		t.Relatives++
	}
	switch {
	case f.LegCount == 0:
		t.Cash++
	case f.LegCount > 1:
		t.Several++
	}
}

// add takes another in.
func (t *Tally) add(o *Tally) {
	for i := range t.Calls {
		t.Calls[i] += o.Calls[i]
	}
	t.Accepted, t.Legs, t.Relatives, t.Cash, t.Several = t.Accepted+o.Accepted, t.Legs+o.Legs, t.Relatives+o.Relatives, t.Cash+o.Cash, t.Several+o.Several
	t.Commands, t.Bytes, t.Requests = t.Commands+o.Commands, t.Bytes+o.Bytes, t.Requests+o.Requests
	t.Credited, t.Paid, t.Returned = t.Credited+o.Credited, t.Paid+o.Paid, t.Returned+o.Returned
	for outcome, n := range o.Refused {
		if t.Refused == nil {
			t.Refused = map[ledger.Outcome]uint64{}
		}
		t.Refused[outcome] += n
	}
}

// all calls a caller would count: credits inside a till's request keep the money level and are none.
func (t *Tally) all() (n uint64) {
	for c, k := range t.Calls {
		if Call(c) != CallCredit && Call(c) != CallRunCredit && Call(c) != CallRun {
			n += k
		}
	}
	return n
}
