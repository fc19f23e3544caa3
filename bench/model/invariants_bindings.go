package model

import "fmt"

// checkBindings: a pair has one living binding at most, and nobody is bound to himself.
func (m *Model) checkBindings() error {
	type pair struct{ authorizer, beneficiary uint32 }
	living := map[pair]bool{}
	for _, b := range m.bindings {
		if b.Authorizer == b.Beneficiary {
			return fmt.Errorf("binding %d: to himself", b.Number)
		}
		if !b.living() {
			continue
		}
		key := pair{b.Authorizer, b.Beneficiary}
		if living[key] {
			return fmt.Errorf("binding %d: a second living one of persons %v", b.Number, key)
		}
		living[key] = true
	}
	return nil
}

// checkFamilies: in a family is exactly who created an open one or has an active membership of it, and in one at most; a dissolved one
// holds nothing and has no living membership (R24, L1).
func (m *Model) checkFamilies() error {
	in := map[uint32][]uint32{}
	for _, f := range m.families {
		if !f.Closed {
			in[f.Creator] = append(in[f.Creator], f.Number)
		} else if m.balances[f.account()] != 0 {
			return fmt.Errorf("family %d: dissolved, and holds %d fen", f.Number, m.balances[f.account()])
		}
	}
	for _, b := range m.bindings {
		if !b.Allocated || !b.living() {
			continue
		}
		if m.families[b.Family].Closed {
			return fmt.Errorf("binding %d: living membership of a dissolved family", b.Number)
		}
		if b.State == Active {
			in[b.Beneficiary] = append(in[b.Beneficiary], b.Family)
		}
	}
	for _, p := range m.persons {
		families := in[p.Number]
		want := p.InFamily && len(families) == 1 && families[0] == p.Family || !p.InFamily && len(families) == 0
		if !want {
			return fmt.Errorf("person %d: in family %v (%d), bindings and creations say %v", p.Number, p.InFamily, p.Family, families)
		}
	}
	return nil
}
