package oracle

import (
	"fmt"
	"slices"

	"gongji/bench/model"
	"gongji/engine/ledger"
)

// fillVisit knows the commands about visits and fee lines.
func fillVisit(cmd *ledger.Command, c model.Command) bool {
	x := &cmd.More.Visit
	head := func(h model.VisitHead) {
		cmd.ID, cmd.Institution, cmd.Person, cmd.Visit, x.Text = h.ID, ledger.NewCode([]byte(h.Institution)), h.Psn, ledger.Position(h.Visit), h.Text
	}
	switch c := c.(type) {
	case model.VisitOpen:
		head(model.VisitHead{Message: c.Message, Institution: c.Institution, Psn: c.Psn, Text: c.Text})
		x.Kind, x.MedType, x.Insutype, x.Number, cmd.Day = ledger.VisitKind(c.VisitKind), c.MedType, c.Insutype, c.Number, c.First
		cmd.CredType, cmd.Other = ledger.CredentialType(c.CredentialType), c.Credential
	case model.VisitCancel:
		head(c.VisitHead)
	case model.VisitChange:
		head(c.VisitHead)
		x.MedType = c.MedType
	case model.LinesAdd:
		head(c.VisitHead)
		for _, l := range c.Lines {
			cmd.More.Lines = append(cmd.More.Lines, ledger.LineInput{Serial: l.Serial, Init: l.Returns, Batch: l.Batch, Text: l.Text, Count: l.Count, Amount: l.Amount,
				Fulamt: l.Fulamt, Overlmt: l.Overlmt, Preselfpay: l.Preselfpay})
		}
	case model.LinesRemove:
		head(c.VisitHead)
		x.Mode, cmd.Batch, cmd.More.Serials = ledger.RemoveMode(c.Mode), c.Batch, c.Serials
	case model.Discharge:
		head(c.VisitHead)
		cmd.Day = c.Last
	case model.DischargeCancel:
		head(c.VisitHead)
	default:
		return false
	}
	return true
}

// CompareVisits reports the first difference between the visits and lines held by model and ledger on a day, and whether free and used rows and the
// index of the ledger stand together.
func CompareVisits(m *model.Model, s *ledger.State, day int32) error {
	lines := 0
	for _, want := range m.Visits() {
		n, found := s.FindVisit(ledger.Position(want.Opened), day)
		if !found {
			return fmt.Errorf("visit %x is not held", want.Opened)
		}
		wantLines := want.Lines
		want.Lines = nil
		if got := visit(s.Visits.At(n)); !equalVisit(got, want) {
			return fmt.Errorf("visit is %+v, model says %+v", got, want)
		}
		var have []model.LineState
		s.Lines(n, 0, 1<<30, func(l *ledger.FeeLine) { have = append(have, line(s, l)) })
		slices.Reverse(have)
		if !slices.Equal(have, wantLines) {
			return fmt.Errorf("visit %x has lines %+v, model says %+v", want.Opened, have, wantLines)
		}
		if err := compareReturned(s, n); err != nil {
			return err
		}
		if int(s.Visits.At(n).LineCount) != len(wantLines) {
			return fmt.Errorf("visit %x counts %d lines and has %d", want.Opened, s.Visits.At(n).LineCount, len(wantLines))
		}
		lines += len(wantLines)
	}
	held := 0
	for _, p := range m.Persons() {
		held += len(s.VisitsOf(p.Number, day, nil))
	}
	if held != len(m.Visits()) {
		return fmt.Errorf("persons have %d visits, model holds %d", held, len(m.Visits()))
	}
	return compareRows(s, day, lines)
}

// compareReturned adds up the returns of each charge.
func compareReturned(s *ledger.State, visit uint32) (err error) {
	counts, amounts := map[uint64]int64{}, map[uint64]int64{}
	s.Lines(visit, 0, 1<<30, func(l *ledger.FeeLine) {
		if l.Init != 0 {
			of := s.FeeLines.At(l.Init - 1).Serial
			counts[of], amounts[of] = counts[of]-l.Count, amounts[of]-int64(l.Amount)
		}
	})
	s.Lines(visit, 0, 1<<30, func(l *ledger.FeeLine) {
		if l.Returned != counts[l.Serial] || int64(l.ReturnedAmount) != amounts[l.Serial] {
			err = fmt.Errorf("line %d says %d and %d fen returned, its returns say %d and %d", l.Serial, l.Returned, l.ReturnedAmount, counts[l.Serial], amounts[l.Serial])
		}
	})
	return err
}

// compareRows walks all rows: used ones are found by their keys, free ones are on their list, held lines are as many as the model's.
func compareRows(s *ledger.State, day int32, held int) error {
	rows := s.Scalars.At(0).Visits
	var visits, lines uint32
	for i := range s.Visits.Len() {
		if v := s.Visits.At(i); v.Opened != 0 {
			if n, _ := s.FindVisit(v.Opened, day); n != i {
				return fmt.Errorf("visit row %d is found at %d", i, n)
			}
			visits++
		}
	}
	for i := range s.FeeLines.Len() {
		l := s.FeeLines.At(i)
		if l.Serial == 0 {
			continue
		}
		if n, found := s.FindLine(l.Visit, l.Serial); !found || n != i {
			return fmt.Errorf("line row %d is found at %d, %t", i, n, found)
		}
		if lines++; day < s.Visits.At(l.Visit).Gone {
			held--
		}
	}
	free := uint32(0)
	for n := rows.FreeVisit; n != 0; n = s.Visits.At(n - 1).NextVisit {
		free++
	}
	for n := rows.FreeLine; n != 0; n = s.FeeLines.At(n - 1).Next {
		free++
	}
	if visits != rows.Visits || lines != rows.Lines || visits+lines+free != s.Visits.Len()+s.FeeLines.Len() || held != 0 {
		return fmt.Errorf("%d visits and %d lines in use, %d free of %d and %d, %d held lines missing: %+v", visits, lines, free, s.Visits.Len(), s.FeeLines.Len(), held, rows)
	}
	return nil
}

func equalVisit(a, b model.VisitState) bool {
	a.Lines, b.Lines = nil, nil
	return fmt.Sprintf("%+v", a) == fmt.Sprintf("%+v", b)
}

func visit(v *ledger.Visit) model.VisitState {
	got := model.VisitState{Opened: uint64(v.Opened), Kind: uint8(v.Kind), State: uint8(v.State), Patient: v.Patient, Institution: v.Institution, FirstDay: v.FirstDay,
		LastDay: v.LastDay, MedType: v.MedType, Insutype: v.Insutype, Number: v.Number, CredType: uint8(v.CredType), Credential: v.Credential, Expires: v.Expires, Gone: v.Gone,
		Keep: int32(v.Keep), Newest: uint64(v.Newest), Final: uint64(v.Final), Changed: uint64(v.Changed), Ended: uint64(v.Ended)}
	if v.Gone == 1<<31-1 { // an open stay
		got.Gone = 0
	}
	return got
}

func line(s *ledger.State, l *ledger.FeeLine) model.LineState {
	got := model.LineState{At: uint64(l.At), Settled: uint64(l.SettledBy()), Taken: uint64(l.Taken), FeeLine: model.FeeLine{Serial: l.Serial, Batch: l.Batch, Text: l.Text, Count: l.Count,
		Amount: int64(l.Amount), Fulamt: int64(l.Fulamt), Overlmt: int64(l.Overlmt), Preselfpay: int64(l.Preselfpay)}}
	if l.Init != 0 {
		got.Returns = s.FeeLines.At(l.Init - 1).Serial
	}
	return got
}
