package ledger

// Money decides one money command that has passed Identify: it fills f, appends the legs without balances after, and writes marks and
// tombstones. It does not post. prior are the effects of the earlier commands of this batch (for reversals of them).
type Money struct {
	State     *State
	IDs       IDs
	Originals Originals
	taking    taking // of the settlement being decided: 1.3 KB that need not be cleared for each
}

// Decide runs the rule of a money command at a position with the given funds. Legs go to fx, unposted.
func Decide[F Funds](m *Money, c *Context, cmd *Command, position Position, funds F, f *Effect, fx *Effects) {
	switch cmd.Kind {
	case KindSettlement:
		decideSettlement(m, c, cmd, position, funds, f, fx)
	case KindCredit:
		m.decideCredit(c, cmd, position, f, fx)
	case KindReversalByID:
		m.reversalByID(c, cmd, position, f, fx)
	case KindReversalByMessage:
		reversalByMessage(m, c, cmd, position, funds, f, fx)
	case KindAllocation:
		decideAllocation(m.State, c, cmd, funds, f, fx)
	case KindPremium:
		decidePremium(m, c, cmd, position, funds, f, fx)
	case KindPremiumRefund:
		m.refundPremium(c, cmd, position, f, fx)
	case KindAccountDebit:
		decideAccountDebit(m.State, cmd, funds, f, fx)
	default:
		panic("BUG: not a money command")
	}
}

func decideSettlement[F Funds](m *Money, c *Context, cmd *Command, position Position, funds F, f *Effect, fx *Effects) {
	b, o := PrepareSettlement(m.State, c, cmd)
	if o != 0 {
		f.Outcome = o
		return
	}
	if b.Visit != 0 {
		if o := m.State.checkLines(c, cmd, b.Visit-1); o != 0 {
			f.Outcome = o
			return
		}
	}
	f.Patient, f.Institution = b.Patient, b.Institution
	legs, drawn := DecideSettlement(m.State, c, cmd, &b, position, funds, f, &m.taking)
	fx.setLegs(f, legs)
	if len(drawn) > 0 {
		fx.setDraw(f, drawn)
	}
	if b.Asked {
		m.State.countTries(c, cmd, b.Patient)
	}
	if b.Visit != 0 && f.Outcome == Accepted {
		m.State.settleLines(c, cmd, b.Visit-1, position, f)
	}
}

// CreditIsPlain reports whether a credit needs no mark and no run: then it is a mere addition.
func CreditIsPlain(cmd *Command) bool { return cmd.Period == 0 && cmd.Other.IsZero() }

// PrepareCredit checks what needs neither marks nor runs.
func PrepareCredit(s *State, c *Context, cmd *Command) (person uint32, o Outcome) {
	if cmd.Amount < 1 || cmd.Amount > AmountMax || cmd.Source < 1 || cmd.Source > SourcesMax || s.NetFunding() > FundingMax-cmd.Amount {
		return 0, AmountRange
	}
	person, ok := s.FindPerson(cmd.Person)
	if !ok {
		return 0, UnknownPerson
	}
	x := s.summary(person)
	if !x.HasAccount() {
		return 0, NoAccount
	}
	if !x.May(Credit, c) {
		return 0, StatusForbids
	}
	if c.HasPolicy && !x.mayBeCredited(c) {
		return 0, CategoryNotAllowed
	}
	return person, 0
}

// AcceptCredit fills the effect of a plain credit but for its leg.
func AcceptCredit(cmd *Command, f *Effect) {
	f.Outcome, f.Funding, f.Source = Accepted, cmd.Amount, cmd.Source
}

func (m *Money) decideCredit(c *Context, cmd *Command, position Position, f *Effect, fx *Effects) {
	person, o := PrepareCredit(m.State, c, cmd)
	if o != 0 {
		f.Outcome = o
		return
	}
	source, period, run := cmd.Source, cmd.Period, uint32(0)
	if !cmd.Other.IsZero() {
		n, ok := m.State.FindRun(cmd.Other)
		if !ok {
			f.Outcome = UnknownRun
			return
		}
		r := m.State.Runs.At(n)
		if r.Closed != 0 {
			f.Outcome = RunClosed
			return
		}
		source, period, run = r.Source, r.Period, n+1
	}
	if period != 0 {
		key := CreditKey(person, source, period)
		if _, found := m.IDs.Find(key); found {
			f.Outcome = AlreadyCredited
			return
		}
		m.IDs.Insert(IDEntry{Key: key, Position: position, Tag: TagMark})
	}
	f.Outcome, f.Funding, f.Source, f.Run = Accepted, cmd.Amount, source, run
	fx.setLegs(f, []Leg{{Account: Account(KindPersonal, person), Amount: cmd.Amount}})
}

// PreviewSettlement decides a settlement with the balances as they are and posts nothing (a pre-settlement reserves nothing).
func PreviewSettlement(s *State, c *Context, cmd *Command, f *Effect) {
	b, o := PrepareSettlement(s, c, cmd)
	if o != 0 {
		f.Outcome = o
		return
	}
	if b.Visit != 0 {
		if o := s.checkLines(c, cmd, b.Visit-1); o != 0 {
			f.Outcome = o
			return
		}
		f.Visit = cmd.Visit
	}
	f.Patient, f.Institution = b.Patient, b.Institution
	b.Preview = true
	var buf taking
	DecideSettlement(s, c, cmd, &b, At(c.Sequence, 0), StateFunds{s}, f, &buf)
	f.Balc = s.Persons.At(b.Patient).Balance - f.Own
}
