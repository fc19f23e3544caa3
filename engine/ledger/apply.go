package ledger

// Ledger applies commands one after the other: the specification that every faster path must equal.
type Ledger struct {
	Money
	// Posted is the sum of all that was posted since somebody set it to 0, in fen: 0 behind every batch (P1).
	Posted int64
}

// New makes a ledger over state, ids and originals; all belong to the calling goroutine.
func New(s *State, ids IDs, originals Originals) *Ledger {
	return &Ledger{Money: Money{State: s, IDs: ids, Originals: originals}}
}

// Apply runs command index of the batch and writes its effect to fx.List[index]. Commands must come in order of index.
func (l *Ledger) Apply(c *Context, cmd *Command, index int, fx *Effects) {
	f := &fx.List[index]
	*f = Effect{Kind: cmd.Kind}
	position := At(c.Sequence, index)
	hasID := !cmd.ID.IsZero()
	if hasID {
		if e, found := l.IDs.Find(cmd.ID); Identify(found, e, cmd, f) {
			return
		}
	}
	if cmd.Kind.IsMoney() {
		Decide(&l.Money, c, cmd, position, StateFunds{l.State}, f, fx)
		l.post(position, f, fx)
		l.Posted += PostSums(l.State, c.Day, f, fx, position)
		PostBalc(l.State, f, position)
	} else {
		l.structural(c, cmd, position, f, fx)
		l.post(position, f, fx) // money that a family gives back when it ends
		mustBalance(f, fx, 0, position)
	}
	if hasID {
		l.Own(cmd, position, f)
	}
}

func (l *Ledger) post(position Position, f *Effect, fx *Effects) {
	legs := fx.LegsOf(f)
	for i := range legs {
		PostLeg(l.State, &legs[i], position)
		l.Posted += legs[i].Amount
	}
}

// Own writes the id of a command that has just run. A reversal that named its own id as the original has made it a tombstone already.
func (l *Money) Own(cmd *Command, position Position, f *Effect) {
	if f.Outcome == Tombstoned && cmd.Other == cmd.ID {
		return
	}
	if refusalForgottenDefect && !f.Outcome.IsAccepted() {
		return
	}
	l.IDs.Insert(IDEntry{Key: cmd.ID, Position: position, Digest: cmd.Digest, Tag: TagCommand})
}

func (l *Ledger) structural(c *Context, cmd *Command, position Position, f *Effect, fx *Effects) {
	s := l.State
	if unbindLateDefect {
		s.endLate(c)
	}
	switch cmd.Kind {
	case KindGenesis:
		f.Outcome = s.genesis(cmd, position)
	case KindPolicy:
		f.Outcome = s.addPolicy(c, &cmd.More.Policy, position, f)
	case KindDayKey:
		f.Outcome = s.addDayKey(c, cmd)
	case KindDayKeyPublish:
		f.Outcome = s.publishDayKey(c, cmd)
	case KindTick:
		s.sweepVisits(c.Day)
		f.Outcome = Accepted
	case KindClockConfirm:
		f.Outcome = Accepted
	case KindPerson:
		f.Outcome = s.addPerson(c, cmd, f)
	case KindEnrolment:
		f.Outcome = s.addEnrolment(cmd, f)
	case KindInstitutionAdd:
		f.Outcome = s.addInstitution(cmd, f)
	case KindRunOpen:
		f.Outcome = s.openRun(cmd, position, f)
	case KindRunClose:
		f.Outcome = s.closeRun(cmd, position)
	case KindBinding:
		f.Outcome = s.bind(c, cmd, f)
	case KindUnbinding:
		f.Outcome = s.unbind(c, cmd, f, fx)
	case KindFamilyOpen:
		f.Outcome = s.openFamily(c, cmd, f)
	case KindFamilyDissolution:
		f.Outcome = s.dissolveFamily(c, cmd, f, fx)
	case KindBindingConsent:
		f.Outcome = s.consent(c, cmd, f)
	case KindBindingReview:
		f.Outcome = s.review(c, cmd, f, fx)
	case KindBindingWithdraw:
		f.Outcome = s.withdraw(c, cmd, f)
	case KindForcedUnbinding:
		f.Outcome = s.forceUnbind(c, cmd, f, fx)
	case KindDebitOrder:
		f.Outcome = s.setDebitOrder(c, cmd)
	case KindFreeze:
		f.Outcome = s.freeze(cmd)
	case KindPassword:
		f.Outcome = s.setPassword(c, cmd)
	case KindCredential:
		f.Outcome = s.registerCredential(cmd, f)
	case KindDayClose:
		f.Outcome = s.closeDay(c, cmd)
	case KindClearing:
		f.Outcome = s.clear(cmd, position, f)
	case KindPersonChange:
		f.Outcome = s.changePerson(c, cmd)
	default:
		s.visiting(c, cmd, position, f, fx)
	}
}
