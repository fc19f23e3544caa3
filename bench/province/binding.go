package province

// Binding is one binding: authorizer lets user draw on the account. Both are person indices.
type Binding struct {
	Authorizer, User int
	Relation         string // the user's relation to the authorizer
}

// Msgid is the binding's message id, 28 characters, the same in every run.
func (b Binding) Msgid() string {
	buf := make([]byte, 0, 28)
	buf = appendPadded(append(buf, 'B'), b.Authorizer, 13)
	buf = appendPadded(append(buf, '-'), b.User, 13)
	return string(buf)
}

// Bindings lists the bindings of a family, 0 <= family < Families().
func (p *Province) Bindings(family int) []Binding { return p.AppendBindings(nil, family) }

// AppendBindings appends the bindings of a family to dst and returns it. At most 7 x 6.
func (p *Province) AppendBindings(dst []Binding, family int) []Binding {
	first, n := p.Family(family)
	for a := first; a < first+n; a++ {
		if !p.canLend(a) {
			continue
		}
		for u := first; u < first+n; u++ {
			if relation, bound := p.bound(a, u); bound {
				dst = append(dst, Binding{Authorizer: a, User: u, Relation: relation})
			}
		}
	}
	return dst
}

// Authorizers counts who shares an account with person i.
func (p *Province) Authorizers(i int) int {
	count := 0
	first, n := p.Family(p.FamilyOf(i))
	for a := first; a < first+n; a++ {
		if p.canLend(a) {
			if _, bound := p.bound(a, i); bound {
				count++
			}
		}
	}
	return count
}

// canLend: an account, a normal enrolment and, as all bindings come from the mini-program, an active e-voucher (domain-rules.md A1, A4).
func (p *Province) canLend(a int) bool {
	return p.CategoryOf(a).HasAccount() && !p.paused(a) && p.hasVoucher(a)
}

// bound takes an authorizer who can lend.
func (p *Province) bound(a, u int) (string, bool) {
	relation := p.Relation(a, u)
	bound := relation != "" && !p.paused(u) && happens(draw(p.seed, streamBinding, uint64(a), uint64(u)), bindPPM)
	return relation, bound
}
