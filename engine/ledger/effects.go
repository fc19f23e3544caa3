package ledger

// Effect is what came of one command. Amounts in fen. It lives in the batch's Effects and is reused with it.
type Effect struct {
	Kind        Kind
	Outcome     Outcome
	LegCount    uint16
	ItemCount   uint16
	LegAt       uint32   // first leg in Effects.Legs
	ItemAt      uint32   // first item in Effects.Items
	Number      uint32   // number of what was created
	Patient     uint32   // settlement, reversal
	Institution uint32   // settlement, reversal
	Run         uint32   // credit of a run, + 1
	First       Position // repeated: the first command of this id; reversals: the settlement undone
	Payable     int64
	Own         int64
	Mulaid      int64
	Cash        int64
	Balc        int64
	Funding     int64 // credit: taken from the funding source
	Source      uint8 // credit: the funding source; commands on one binding: its BindingState afterwards
}

// AcctPay is what personal and family accounts paid: mutual aid included.
func (e *Effect) AcctPay() int64 { return e.Own + e.Mulaid }

// Leg is one posting on a personal or family account.
type Leg struct {
	Account AccountID
	Amount  int64    // signed fen; negative: debit
	After   int64    // balance after
	Prev    Position // the account's previous posting, 0: none
}

// Item is the result for one binding of an unbinding.
type Item struct {
	Binding  uint32
	Outcome  Outcome
	Earliest int32 // day; only for locked
}

// Effects are the effects of one batch, in log order.
type Effects struct {
	List  []Effect
	Legs  []Leg
	Items []Item
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
	e.Items = e.Items[:0]
}

// LegsOf gives the legs of an effect; valid until the next Reset.
func (e *Effects) LegsOf(f *Effect) []Leg { return e.Legs[f.LegAt : f.LegAt+uint32(f.LegCount)] }

// ItemsOf gives the items of an effect; valid until the next Reset.
func (e *Effects) ItemsOf(f *Effect) []Item { return e.Items[f.ItemAt : f.ItemAt+uint32(f.ItemCount)] }

func (e *Effects) setLegs(f *Effect, legs []Leg) {
	f.LegAt, f.LegCount = uint32(len(e.Legs)), uint16(len(legs))
	e.Legs = append(e.Legs, legs...)
}
