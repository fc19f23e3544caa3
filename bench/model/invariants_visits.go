package model

import "fmt"

// checkVisits: the lines that a settlement took make its bill as long as it stands; none of them belongs to one that was reversed; returns stay within
// their charges and are settled with them (R29).
func (m *Model) checkVisits() error {
	reversed := map[uint64]bool{}
	for _, r := range m.reversals {
		reversed[r.original] = true
	}
	for _, v := range m.visits {
		bills := map[uint64]int64{}
		serials := map[uint64]bool{}
		for _, l := range v.Lines {
			if serials[l.Serial] {
				return fmt.Errorf("visit %d: serial %d twice", v.Opened, l.Serial)
			}
			serials[l.Serial] = true
			bills[l.Settled] += l.Amount
			if err := v.checkReturns(l); err != nil {
				return err
			}
		}
		delete(bills, 0)
		for position, sum := range bills {
			s := m.records[position].settlement
			if s == nil || s.visit != v.Opened || reversed[position] || s.patient.Number != v.Patient || s.plan.medfee != sum {
				return fmt.Errorf("visit %d: lines of %d fen are settled by %d, which is %+v", v.Opened, sum, position, s)
			}
		}
		if v.Final != 0 && (v.Kind != stay || bills[v.Final] == 0) {
			return fmt.Errorf("visit %d: final settlement %d took no lines", v.Opened, v.Final)
		}
	}
	return nil
}

func (v *VisitState) checkReturns(l LineState) error {
	if l.Returns != 0 {
		if of := v.line(l.Returns); of == nil || of.Returns != 0 || of.Settled != l.Settled || of.Batch != l.Batch {
			return fmt.Errorf("visit %d: return %d of %+v", v.Opened, l.Serial, of)
		}
		return nil
	}
	count, amount := l.Count, l.Amount
	for _, r := range v.returnsOf(l.Serial) {
		count, amount = count+r.Count, amount+r.Amount
	}
	if count < 0 || amount < 0 {
		return fmt.Errorf("visit %d: line %d is returned beyond itself: %d, %d fen", v.Opened, l.Serial, count, amount)
	}
	return nil
}
