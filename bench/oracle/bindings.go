package oracle

import (
	"fmt"

	"gongji/bench/model"
	"gongji/engine/ledger"
)

// CompareBindings reports the first difference between the bindings and families of model and ledger, as they are on the day of the model's last batch.
func CompareBindings(m *model.Model, s *ledger.State, day int32) error {
	bindings, families := m.Bindings(), m.Families()
	if int(s.Bindings.Len()) != len(bindings) || int(s.Families.Len()) != len(families) {
		return fmt.Errorf("%d bindings and %d families, model has %d and %d", s.Bindings.Len(), s.Families.Len(), len(bindings), len(families))
	}
	for i, want := range bindings {
		row, family := s.Bindings.At(uint32(i)), s.MembershipOf(uint32(i))
		got := model.BindingState{Number: uint32(i), Authorizer: row.Authorizer, Beneficiary: row.User, Order: row.Order, Relation: row.Relation, Channel: row.Channel,
			SinceMS: row.Since, UntilMS: s.UntilOf(uint32(i)), Expires: row.Expires(), State: uint8(row.StateOn(day)), Face: row.Marks&ledger.MarkFace != 0, Leaving: row.Marks&ledger.MarkLeaving != 0, Allocated: family != 0}
		if got.Allocated {
			got.Family = family - 1
		}
		if row.State == ledger.Invited && got.State == model.Expired { // no command has met it since
			got.UntilMS = want.UntilMS
		}
		if got != want {
			return fmt.Errorf("binding %d is %+v, model says %+v", i, got, want)
		}
	}
	for i, want := range families {
		row := s.Families.At(uint32(i))
		got := model.FamilyState{Number: uint32(i), Creator: row.Creator, Closed: row.Until != 0, Year: int(row.AllocYear), Count: row.AllocCount, Sum: row.AllocSum, Frozen: row.Frozen != 0}
		if got != want {
			return fmt.Errorf("family %d is %+v, model says %+v", i, got, want)
		}
		if n := len(m.Members(uint32(i))); int(row.Members) != n {
			return fmt.Errorf("family %d has %d members, model says %d", i, row.Members, n)
		}
	}
	for i, want := range m.Persons() {
		p, in := s.Summary(s.Persons.At(uint32(i))), s.FamilyOf(uint32(i))
		var family uint32
		if want.InFamily {
			family = want.Family + 1
		}
		if int(p.SelfOrder) != want.SelfOrder || p.Signed != bit(want.Signed)*ledger.SignedLetter|bit(want.ReadAnswers)*ledger.ReadQuestions || in != family {
			return fmt.Errorf("person %d: own place %d, signed %d, family %d, model says %+v", i, p.SelfOrder, p.Signed, in, want)
		}
	}
	return nil
}
