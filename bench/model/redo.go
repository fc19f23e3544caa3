package model

// redosMax is how often one settlement may be redone (s.4, the undo chain).
const redosMax = 4

// alive: cancelled as often as redone.
func (s *settled) alive() bool { return len(s.acts)%2 == 0 }

// act writes down that a settlement was cancelled or redone; the mark is that of what was undone, the last act or the settlement itself. It tells
// whether both leave their days (s.4, open days).
func (m *Model) act(now moment, s *settled, redo, byMessage bool) (void bool) {
	last, counts, day := s.position, true, s.day
	if len(s.acts) > 0 {
		last = s.acts[len(s.acts)-1]
		counts, day = !m.records[last].void, m.records[last].day
	}
	void = byMessage && counts && !m.isClosed(day)
	m.ids[undoMark(last)] = IDEntry{Position: now.position(), Tag: TagMark}
	s.acts = append(s.acts, now.position())
	m.reversals = append(m.reversals, reversal{position: now.position(), original: s.position, redo: redo})
	m.records[now.position()] = record{about: s, redo: redo, day: now.today, void: void}
	return void
}

// redo is kind 16 with original_kind 2, of a reversal that is known.
func (m *Model) redo(now moment, cancel record, at uint64, institution *InstitutionState, psn Key) Result {
	if now.policy == nil || !now.policy.CancelReversible || cancel.outcome == VisitUndone {
		return Result{Outcome: CancelFinal}
	}
	if cancel.outcome != Accepted {
		return Result{Outcome: NothingToUndo}
	}
	if cancel.redo {
		return Result{Outcome: WrongOriginalKind}
	}
	s := cancel.about
	if s.institution != institution {
		return Result{Outcome: UnknownSettlement}
	}
	if s.patient.Psn != psn {
		return Result{Outcome: WrongPerson}
	}
	if s.acts[len(s.acts)-1] != at {
		return Result{Outcome: AlreadyReversed}
	}
	if len(s.acts)/2 == redosMax {
		return Result{Outcome: CancelFinal}
	}
	if outcome := m.mayResettle(s, cancel); outcome != Accepted {
		return Result{Outcome: outcome}
	}
	if outcome := m.canPayAgain(s); outcome != Accepted {
		return Result{Outcome: outcome}
	}
	result := m.payAgain(now, s)
	if result.Visit, result.Number = s.visit, cancel.freed; cancel.freed > 0 {
		m.resettle(now, s)
	}
	return result
}

// giverOf is who pays a leg of a settlement again: the account, or the creator of a family dissolved since.
func (m *Model) giverOf(t take) *PersonState {
	if family := m.familyOf(t.account); family != nil {
		if !family.Closed {
			return nil
		}
		return m.persons[family.Creator]
	}
	return m.persons[t.account&(1<<56-1)]
}

func (m *Model) canPayAgain(s *settled) int {
	owed := map[uint64]int64{}
	frozen := false
	for _, t := range s.takes {
		if p := m.giverOf(t); p != nil {
			frozen = frozen || p.Frozen
			owed[p.account()] += t.amount
		} else {
			frozen = frozen || m.familyOf(t.account).Frozen
			owed[t.account] += t.amount
		}
	}
	if frozen {
		return AccountFrozen
	}
	for account, amount := range owed {
		if m.balances[account] < amount {
			return ShortOfFunds
		}
	}
	return Accepted
}

func (m *Model) payAgain(now moment, s *settled) Result {
	result := Result{Outcome: Accepted, Original: s.position, State: 2, Area: s.areas.patient, InstPrev: m.follow(now, s.institution)}
	for i, t := range s.takes {
		if family := m.familyOf(t.account); family != nil && family.Closed {
			result.Legs = append(result.Legs, m.post(now, m.persons[family.Creator].account(), -t.amount), m.post(now, t.account, t.amount))
		}
		leg := []Leg{m.post(now, t.account, -t.amount)}
		m.returnAreas(now, areas{patient: s.areas.patient, payers: s.areas.payers[i : i+1]}, leg)
		result.Legs = append(result.Legs, leg...)
		m.balances[s.institution.account()] += t.amount
	}
	if _, posted := m.postingAt(s.patient.account(), now.position()); !posted {
		result.Prev = m.entry(now, s.patient, s.plan.own, s.plan.mulaid)
	}
	result.Void = m.act(now, s, true, true)
	if s.patient.HasAccount {
		result.Balc = m.balances[s.patient.account()]
	}
	return result
}
