package history

import (
	"fmt"
	"math"
	"strings"
)

// Members of a family: 0 to 2 have accounts, the last has none.
const Members = 4

// Opening is what the members' accounts hold before the first call, in fen.
var Opening = [Members]int64{100_00, 60_00, 40_00, 0}

// HasAccount tells who owns one.
func HasAccount(member int) bool { return member < Members-1 }

// Kind of a call.
type Kind uint8

// The kinds. Settle to Credit carry a message id; the others only look.
const (
	Settle  Kind = iota + 1
	Reverse      // by message id
	Bind
	Unbind
	Credit
	Balance // of one member
	Look    // at all balances and living bindings at one moment
	Found   // what became of a message id
	Preview
)

var kindNames = [...]string{"", "settle", "reverse", "bind", "unbind", "credit", "balance", "look", "found", "preview"}

func (k Kind) String() string { return kindNames[k] }

// Moves tells whether calls of the kind carry a message id and change something.
func (k Kind) Moves() bool { return k <= Credit }

// Call is what a caller asked of one family.
type Call struct {
	Kind    Kind
	Family  int
	ID      int // message id of the family, from 0: equal numbers are copies of one message
	About   int // Reverse, Found: the message id it names
	Member  int // patient, authorizer, account
	Other   int // Bind: who may use the account
	Amount  int64
	Refuse  bool  // Settle: on_shortfall = refuse
	Binding int64 // Unbind: its number
}

// Outcome of a call, as the caller learned it.
type Outcome uint8

// The outcomes. The last five are answers to Found.
const (
	Unknown Outcome = iota // no answer: it may have been done, or may still be
	Accepted
	ShortOfFunds
	Blocked // its reversal came first
	Tombstoned
	NothingToUndo
	AlreadyReversed
	Duplicate
	NotBound
	NeverSeen
	IsBlocked
	IsRefused
	IsSettled
	IsReversed
)

var outcomeNames = [...]string{"unknown", "accepted", "short", "blocked", "tombstoned", "nothing to undo", "already reversed", "duplicate", "not bound",
	"never seen", "is blocked", "is refused", "is settled", "is reversed"}

func (o Outcome) String() string { return outcomeNames[o] }

// Leg is what one member's account paid.
type Leg struct {
	Member int
	Amount int64
}

// Answer is what a caller was told. Of an unknown outcome everything else is empty.
type Answer struct {
	Outcome           Outcome
	Repeat            bool // told as the answer to an earlier copy
	Own, Mulaid, Cash int64
	Balc              int64 // of the member, after it
	HasLegs           bool
	Legs              []Leg          // of an accepted settlement, in the order taken, as the journal has them
	Binding           int64          // Bind
	Balances          [Members]int64 // Look
	Bound             []int64        // Look: numbers of living bindings, ascending
	Sequence          uint64         // of the log; 0: not told
	At                uint64         // position of an accepted settlement, by which its legs are found; no part of what is judged
}

// Never is the return of a call that was not answered.
const Never = math.MaxInt64

// Event is one call with its answer. From and To order calls as they happened: one that was answered before another was made has To below its From.
type Event struct {
	Client   int
	Call     Call
	Answer   Answer
	From, To int64
}

func (c Call) String() string {
	s := fmt.Sprintf("%s m%d", c.Kind, c.Member)
	switch {
	case c.Kind.Moves():
		s = fmt.Sprintf("#%d %s", c.ID, s)
	case c.Kind == Found:
		return fmt.Sprintf("found #%d", c.About)
	}
	switch c.Kind {
	case Settle, Credit, Preview:
		s += fmt.Sprintf(" %d", c.Amount)
	case Reverse:
		s += fmt.Sprintf(" of #%d", c.About)
	case Bind:
		s += fmt.Sprintf(" for m%d", c.Other)
	case Unbind:
		s += fmt.Sprintf(" B%d", c.Binding)
	}
	if c.Refuse {
		s += " or refuse"
	}
	return s
}

func (a Answer) String() string {
	var s strings.Builder
	s.WriteString(a.Outcome.String())
	if a.Repeat {
		s.WriteString(" (repeat)")
	}
	if a.Own+a.Mulaid+a.Cash+a.Balc != 0 {
		fmt.Fprintf(&s, " own %d aid %d cash %d balc %d", a.Own, a.Mulaid, a.Cash, a.Balc)
	}
	if a.HasLegs {
		fmt.Fprintf(&s, " legs %v", a.Legs)
	}
	if a.Binding != 0 {
		fmt.Fprintf(&s, " B%d", a.Binding)
	}
	if a.Balances != [Members]int64{} {
		fmt.Fprintf(&s, " %v bound %v", a.Balances, a.Bound)
	}
	if a.Sequence != 0 {
		fmt.Fprintf(&s, " @%d", a.Sequence)
	}
	return s.String()
}
