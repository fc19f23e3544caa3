package ledger

// Effect is what came of one command. Amounts in fen. It lives in the batch's Effects and is reused with it.
type Effect struct {
	Kind        Kind
	Outcome     Outcome
	LegCount    uint16
	ItemCount   uint16
	LegAt       uint32   // first leg in Effects.Legs
	ItemAt      uint32   // first item in Effects.Items
	Number      uint32   // number of what was created; commands on a visit, settlements with one and their reversals: of lines moved
	Patient     uint32   // settlement, reversal, enrolment; insured of a premium
	Institution uint32   // settlement, reversal
	Run         uint32   // credit of a run, + 1
	Prev        Position // settlement, reversal without a leg of the patient's (Chained): the previous entry of his account, 0: none
	First       Position // repeated: the first command of this id; reversals and refunds: what was undone; change of a visit: the change before
	Visit       Position // where the visit was opened; 0: none
	Payable     int64
	Own         int64
	Mulaid      int64
	Cash        int64
	Balc        int64
	Funding     int64 // the other side's fen: credit: taken from the funding source; account debit: gone to the fund bank;
	// premium and its refund: the premium
	Source    uint8  // funding source of a credit, reason of an account debit, type of a premium; commands on one binding or visit: its BindingState or VisitState afterwards
	Area      uint32 // insuplc_admdvs of the patient or insured, if a leg has one; else 0 (R18)
	DrawCount uint8  // candidates of the draw; 0: nothing was drawn
	DrawAt    uint32 // first candidate in Effects.Draws
}

// AcctPay is what personal and family accounts paid: mutual aid included.
func (e *Effect) AcctPay() int64 { return e.Own + e.Mulaid }

// Chained reports whether others paid for the patient and he did not: then the effect itself, without a leg, is an entry of his account
// (DESIGN.md 1), unless a reversal has a leg there after all: what came back to a dissolved family goes on to its creator.
func (e *Effect) Chained() bool {
	return (e.Kind == KindSettlement || e.Kind.IsReversal()) && e.Outcome == Accepted && e.Own == 0 && e.Mulaid > 0
}

// Leg is one posting on a personal or family account.
type Leg struct {
	Account AccountID
	Amount  int64    // signed fen; negative: debit
	After   int64    // balance after
	Prev    Position // the account's previous entry, 0: none
	Area    uint32   // insuplc_admdvs of the payer, if his pooling area is not the patient's; else 0 (R18)
}

// Candidate is one of those a settlement may draw on at random (DESIGN.md 5).
type Candidate struct {
	Person uint32
	Rank   uint8 // place before the draw, in binding-number order, from 0
	_      [3]uint8
}

// Account is the account he lends.
func (c Candidate) Account() AccountID { return Account(KindPersonal, c.Person) }

// Item is the result for one binding of an unbinding, or why a list of lines was refused.
type Item struct {
	Binding  uint32 // or place of the line in the command, from 0
	Outcome  Outcome
	Earliest int32 // day; only for locked
}

// Effects are the effects of one batch, in log order.
type Effects struct {
	List  []Effect
	Legs  []Leg
	Items []Item
	Draws []Candidate // in drawn order; what no effect points to is meaningless
}

// Reset empties e for n commands and keeps the memory. reserve legs are set aside for each command: command i owns
// Legs[reserve*i : reserve*(i+1)], further legs are appended.
func (e *Effects) Reset(n, reserve int) {
	if cap(e.List) < n {
		e.List = make([]Effect, n, n+n/2)
	}
	e.List = e.List[:n]
	clear(e.List)
	if cap(e.Legs) < reserve*n {
		e.Legs = make([]Leg, reserve*n, reserve*n+n)
	}
	e.Legs = e.Legs[:reserve*n]
	e.Items, e.Draws = e.Items[:0], e.Draws[:0]
}

// ReserveDraws sets room for n candidates aside at the front of Draws, after Reset and before the first append. Shards fill it; what they
// do not use stays as it was.
func (e *Effects) ReserveDraws(n int) {
	if cap(e.Draws) < n {
		e.Draws = make([]Candidate, n, n+n/2)
	}
	e.Draws = e.Draws[:n]
}

// LegsOf gives the legs of an effect; valid until the next Reset.
func (e *Effects) LegsOf(f *Effect) []Leg { return e.Legs[f.LegAt : f.LegAt+uint32(f.LegCount)] }

// ItemsOf gives the items of an effect; valid until the next Reset.
func (e *Effects) ItemsOf(f *Effect) []Item { return e.Items[f.ItemAt : f.ItemAt+uint32(f.ItemCount)] }

// DrawOf gives the candidates of an effect in the drawn order; valid until the next Reset.
func (e *Effects) DrawOf(f *Effect) []Candidate {
	return e.Draws[f.DrawAt : f.DrawAt+uint32(f.DrawCount)]
}

func (e *Effects) setItem(f *Effect, i Item) {
	f.ItemAt, f.ItemCount = uint32(len(e.Items)), 1
	e.Items = append(e.Items, i)
}

func (e *Effects) setDraw(f *Effect, drawn []Candidate) {
	f.DrawAt, f.DrawCount = uint32(len(e.Draws)), uint8(len(drawn))
	e.Draws = append(e.Draws, drawn...)
}

func (e *Effects) setLegs(f *Effect, legs []Leg) {
	f.LegAt, f.LegCount = uint32(len(e.Legs)), uint16(len(legs))
	e.Legs = append(e.Legs, legs...)
}
