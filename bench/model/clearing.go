package model

// KindClearing is s.4, command 34.
const KindClearing = 34

// Clearing is kind 34.
type Clearing struct {
	Message
	Institution string
	From, To    int32
	ClrType     uint16
	Amount      int64
}

// Kind is 34.
func (Clearing) Kind() int { return KindClearing }

// ClearingState is an accepted clearing.
type ClearingState struct {
	Institution uint32
	From, To    int32
	ClrType     uint16
	Amount      int64
	At          uint64 // position
}

// Clearings gives the accepted clearings in log order.
func (m *Model) Clearings() []ClearingState { return append([]ClearingState(nil), m.clearings...) }

func (m *Model) clearing(now moment, c Clearing) Result {
	if c.Amount < 1 || c.Amount > AmountMax || c.From > c.To || m.balances[AccountID(AccountFundBank, 0)]+c.Amount > FundingMax {
		return Result{Outcome: AmountRange}
	}
	i := m.byCode[c.Institution]
	if i == nil {
		return Result{Outcome: UnknownInstitution}
	}
	if !m.isClosed(c.To) {
		return Result{Outcome: DayOpen}
	}
	for _, old := range m.clearings {
		apart := old.To < c.From || c.To < old.From
		otherKind := old.ClrType != 0 && c.ClrType != 0 && old.ClrType != c.ClrType
		if old.Institution == i.Number && !apart && !otherKind {
			return Result{Outcome: AlreadyCleared}
		}
	}
	if m.balances[i.account()] < c.Amount {
		return Result{Outcome: ClearingExceeds}
	}
	m.balances[i.account()] -= c.Amount
	m.balances[AccountID(AccountFundBank, 0)] += c.Amount
	m.clearings = append(m.clearings, ClearingState{Institution: i.Number, From: c.From, To: c.To, ClrType: c.ClrType, Amount: c.Amount, At: now.position()})
	return Result{Outcome: Accepted, Number: uint32(len(m.clearings) - 1)}
}

// makeClearing pays out a part, all or more than there is, of one to three closed days, often of those cleared before.
func (g *Generator) makeClearing() Command {
	i := choose(g.rng, g.model.institutions[:min(6, len(g.model.institutions))])
	payable := g.model.balances[i.account()]
	c := Clearing{Message: g.newMessage(), Institution: i.Code, ClrType: choose(g.rng, []uint16{0, 11, 21, 41}), Amount: 1}
	c.To = g.model.closed - g.rng.Int32N(12)
	c.From = c.To - g.rng.Int32N(3)
	if payable > 0 {
		c.Amount = choose(g.rng, []int64{payable, payable, 1 + g.rng.Int64N(payable)})
	}
	switch g.rng.IntN(16) {
	case 0:
		c.Amount = max(payable, 0) + 1
	case 1:
		c.Amount = choose(g.rng, []int64{0, -1, AmountMax + 1})
	case 2:
		c.From = c.To + 1
	case 3:
		c.To = g.model.closed + 1
	case 4:
		c.Institution = "nowhere"
	case 5:
		if len(g.model.clearings) > 0 {
			old := choose(g.rng, g.model.clearings)
			c.Institution, c.From, c.To = g.model.institutions[old.Institution].Code, old.To, old.To
		}
	}
	return c
}
