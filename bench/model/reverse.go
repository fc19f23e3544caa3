package model

func (m *Model) reversalByID(now moment, c ReversalByID) Result {
	institution := m.byCode[c.Institution]
	if institution == nil {
		return Result{Outcome: UnknownInstitution}
	}
	return m.reverse(now, c.Settlement, institution, c.Psn)
}

func (m *Model) reversalByMessage(now moment, c ReversalByMessage) Result {
	institution := m.byCode[c.Institution]
	if institution == nil {
		return Result{Outcome: UnknownInstitution}
	}
	entry, ok := m.ids[c.OriginalID] // a zero key is looked up like any other (Q7)
	if !ok {
		m.ids[c.OriginalID] = IDEntry{Position: now.position(), Tag: TagTombstone, Digest: uint64(c.OriginalKind)}
		if institution.TombstoneDay != now.today {
			institution.TombstoneDay, institution.Tombstones = now.today, 0
		}
		institution.Tombstones++
		return Result{Outcome: Tombstoned}
	}
	if entry.Tag == TagTombstone {
		if entry.Digest != uint64(c.OriginalKind) {
			return Result{Outcome: WrongOriginalKind}
		}
		return Result{Outcome: AlreadyReversed}
	}
	original := m.records[entry.Position]
	isSettlement := entry.Tag == TagCommand && original.kind == KindSettlement
	isReversal := entry.Tag == TagCommand &&
		(original.kind == KindReversalByID || original.kind == KindReversalByMessage)
	isVisit := entry.Tag == TagCommand && original.kind == KindVisitOpen
	if !(c.OriginalKind == 1 && isSettlement || c.OriginalKind == 2 && isReversal || c.OriginalKind == 3 && isVisit) {
		return Result{Outcome: WrongOriginalKind}
	}
	if c.OriginalKind == 2 {
		return Result{Outcome: CancelFinal}
	}
	if original.outcome != Accepted {
		return Result{Outcome: NothingToUndo}
	}
	if c.OriginalKind == 3 {
		return m.reverseVisit(now, entry.Position, institution, c.Psn)
	}
	return m.reverse(now, entry.Position, institution, c.Psn)
}

// reverseVisit cancels the visit that a message opened.
func (m *Model) reverseVisit(now moment, opened uint64, institution *InstitutionState, psn Key) Result {
	v := m.visitAt(opened)
	if v == nil || v.Institution != institution.Number {
		return Result{Outcome: VisitUnknown}
	}
	patient := m.persons[v.Patient]
	if patient.Psn != psn {
		return Result{Outcome: WrongPerson}
	}
	result := m.visitCancel(now, v)
	if result.Outcome == Accepted {
		result.Outcome, result.Original, result.Visit = VisitUndone, opened, opened
	}
	return result
}

// reverse is kind 15 from unknown_settlement on.
func (m *Model) reverse(now moment, position uint64, institution *InstitutionState, psn Key) Result {
	original := m.records[position].settlement
	if original == nil || original.institution != institution {
		return Result{Outcome: UnknownSettlement}
	}
	if original.patient.Psn != psn {
		return Result{Outcome: WrongPerson}
	}
	if _, undone := m.ids[undoMark(position)]; undone {
		return Result{Outcome: AlreadyReversed}
	}
	result := Result{Outcome: Accepted, Original: position, Visit: original.visit}
	if original.visit != 0 {
		result.Number = m.unsettle(now, original.visit, position)
	}
	for i, t := range original.takes {
		back := []Leg{m.post(now, t.account, t.amount)}
		m.returnAreas(now, areas{patient: original.areas.patient, payers: original.areas.payers[i : i+1]}, back)
		result.Legs = append(result.Legs, back...)
		m.balances[institution.account()] -= t.amount
		if family := m.familyOf(t.account); family != nil && family.Closed {
			result.Legs = append(result.Legs, m.post(now, t.account, -t.amount), m.post(now, m.persons[family.Creator].account(), t.amount))
		}
	}
	if _, posted := m.postingAt(original.patient.account(), now.position()); !posted { // else swept to the patient: an entry with postings already
		result.Prev = m.entry(now, original.patient, original.plan.own, original.plan.mulaid)
	}
	m.ids[undoMark(position)] = IDEntry{Position: now.position(), Tag: TagMark}
	m.reversals = append(m.reversals, reversal{position: now.position(), original: position})
	if original.patient.HasAccount {
		result.Balc = m.balances[original.patient.account()]
	}
	return result
}
