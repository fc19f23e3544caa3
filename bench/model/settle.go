package model

import "sort"

// plan is what a settlement would do, before anything is changed.
type plan struct {
	institution *InstitutionState
	patient     *PersonState
	visit       *VisitState // nil: none
	policy      *Policy
	medfee      int64
	psnPart     int64
	payable     int64
	own         int64
	mulaid      int64
	cash        int64
	balc        int64
	judged      int32
	ownUsable   bool
	asked       []uint32 // persons whose passwords were asked for
	takes       []take
	drawn       []Candidate // empty: no draw was made
}

func (m *Model) settlement(now moment, c Settlement) Result {
	todo, outcome := m.plan(now, c)
	m.countTries(now, c, todo.asked)
	if outcome != Accepted && outcome != AmountChanged {
		return Result{Outcome: outcome}
	}
	result := Result{
		Outcome: outcome, Payable: todo.payable, Own: todo.own, Mulaid: todo.mulaid, Cash: todo.cash, Balc: todo.balc,
	}
	if outcome == AmountChanged {
		return result
	}
	for _, t := range todo.takes {
		result.Legs = append(result.Legs, m.post(now, t.account, -t.amount))
	}
	result.Drawn = todo.drawn
	result.Prev = m.entry(now, todo.patient, todo.own, todo.mulaid)
	m.markAreas(now, todo.patient, result.Legs)
	m.balances[todo.institution.account()] += todo.own + todo.mulaid
	done := &settled{
		position: now.position(), institution: todo.institution, patient: todo.patient, takes: todo.takes, plan: todo,
		areas: areasOf(todo.patient, result.Legs),
	}
	if todo.visit != nil {
		done.visit, result.Visit, result.Number = c.Opened, c.Opened, todo.visit.settle(now, c)
	}
	m.settled = append(m.settled, done)
	m.records[now.position()] = record{settlement: done}
	return result
}

// plan is steps 1 to 5 of kind 14.
func (m *Model) plan(now moment, c Settlement) (plan, int) {
	if outcome := checkAmounts(c); outcome != Accepted {
		return plan{}, outcome
	}
	institution := m.byCode[c.Institution]
	if institution == nil {
		return plan{}, UnknownInstitution
	}
	patient := m.byPsn[c.Psn]
	if patient == nil {
		return plan{}, UnknownPerson
	}
	judged := now.today // the day on which the patient is judged
	if c.Visit != 0 && c.Visit < now.today {
		judged = c.Visit
	}
	var visit *VisitState
	credential, key := c.CredentialType, c.Credential
	if c.Opened != 0 {
		found, outcome := m.visitFor(c.Opened, institution, patient)
		if outcome != Accepted {
			return plan{}, outcome
		}
		visit, judged = found, found.FirstDay
		if key == (Key{}) && visit.Kind == stay {
			credential, key = visit.CredType, visit.Credential
		}
	}
	if outcome := m.identity(credential, key, patient); outcome != Accepted {
		return plan{}, outcome
	}
	if patient.isDead(judged) {
		return plan{}, StatusForbids
	}
	if now.policy == nil {
		return plan{}, NoPolicy
	}
	if visit != nil {
		if outcome := visit.linesOf(now, c); outcome != Accepted {
			return plan{}, outcome
		}
	}
	todo := plan{institution: institution, patient: patient, visit: visit, policy: now.policy, judged: judged, ownUsable: patient.ownSpending(judged)}
	todo.medfee = c.Medfee
	todo.psnPart = c.Medfee - c.Fund - c.HospPart
	todo.payable = payable(now.policy, institution, c)
	if !m.takeAll(now, c, &todo) {
		return plan{asked: todo.asked}, NoDayKey
	}
	acctPay := todo.own + todo.mulaid
	todo.cash = todo.psnPart - acctPay
	if patient.HasAccount {
		todo.balc = m.balances[patient.account()] - todo.own
	}
	if c.OnShortfall == 1 && acctPay < todo.payable {
		return plan{asked: todo.asked}, ShortOfFunds
	}
	if c.Expected != nil && (c.Expected.AcctPay != acctPay || c.Expected.Cash != todo.cash) {
		return todo, AmountChanged
	}
	return todo, Accepted
}

// checkAmounts is step 1. The expected amounts are only compared, never checked (Q20).
func checkAmounts(c Settlement) int {
	for _, amount := range []int64{c.Medfee, c.Fund, c.HospPart, c.Preselfpay, c.Inscp, c.Overlmt, c.Fulamt} {
		if amount < 0 || amount > AmountMax {
			return AmountRange
		}
	}
	if c.Medfee == 0 {
		return AmountRange
	}
	if c.Medfee != c.Fulamt+c.Overlmt+c.Preselfpay+c.Inscp {
		return AmountParts
	}
	if c.Medfee-c.Fund-c.HospPart < 0 {
		return AmountParts
	}
	return Accepted
}

// payable is step 3.
func payable(policy *Policy, institution *InstitutionState, c Settlement) int64 {
	place := uint8(1)
	if institution.Type == 2 {
		place = 2
	}
	if policy.PayablePlaces&place == 0 || c.AcctUsedFlag == 0 {
		return 0
	}
	fund := c.Fund
	sum := int64(0)
	bit := uint8(1)
	for _, part := range []int64{c.Inscp, c.Preselfpay, c.Overlmt, c.Fulamt} {
		used := min(fund, part)
		fund -= used
		if policy.PayableParts&bit != 0 {
			sum += part - used
		}
		bit *= 2
	}
	return min(sum, c.Medfee-c.Fund-c.HospPart)
}

// takeAll is step 4; false means that the draw was needed and there is no day key.
func (m *Model) takeAll(now moment, c Settlement, todo *plan) bool {
	left := todo.payable
	takeFrom := func(account uint64, sum *int64) {
		amount := min(m.balances[account], left) // no account is named twice: a pair is bound once
		if amount == 0 {
			return
		}
		todo.takes = append(todo.takes, take{account: account, amount: amount})
		*sum += amount
		left -= amount
	}
	if now.policy.SelfFirst && todo.ownUsable {
		takeFrom(todo.patient.account(), &todo.own)
	}
	if left > 0 && !(c.AcctUsedFlag == 1 && now.policy.Flag1OwnOnly) && todo.patient.insured(todo.judged, now.policy) && m.canAsk(now, c, todo.patient) {
		accounts, ok := m.relatives(now, c, todo)
		if !ok {
			return false
		}
		place := m.ownPlace(now, todo)
		for i, account := range accounts {
			if i == place {
				takeFrom(todo.patient.account(), &todo.own)
			}
			takeFrom(account, &todo.mulaid)
		}
	}
	if !now.policy.SelfFirst && todo.ownUsable && todo.own == 0 {
		takeFrom(todo.patient.account(), &todo.own)
	}
	return true
}

// relatives gives the accounts of others that a patient may use today, in the order of their turn; false if the order
// must be drawn and there is no day key. One relative alone also needs the key (Q22). A draw is noted in the plan.
func (m *Model) relatives(now moment, c Settlement, todo *plan) ([]uint64, bool) {
	patient := todo.patient
	if now.policy.Strategy == 3 {
		if !m.familyPays(now, patient) {
			return nil, true
		}
		family := m.families[patient.Family]
		creator := m.persons[family.Creator]
		if creator != patient {
			todo.asked = append(todo.asked, creator.Number)
		}
		if !m.opened(now, c, creator, patient, true) {
			return nil, true
		}
		return []uint64{family.account()}, true
	}
	lending := m.lending(now, patient) // in binding-number order, of both kinds (Q17)
	for _, b := range lending {
		todo.asked = append(todo.asked, b.Authorizer)
	}
	if now.policy.Strategy == 2 {
		sort.SliceStable(lending, func(i, j int) bool { return lending[i].Order < lending[j].Order })
	}
	if now.policy.Strategy == 1 && len(lending) > 0 {
		if now.dayKey == nil {
			return nil, false
		}
		drawn := []*BindingState{}
		for _, i := range Draw(now.dayKey, now.sequence, now.index, len(lending)) {
			drawn = append(drawn, lending[i])
			todo.drawn = append(todo.drawn, Candidate{Person: lending[i].Authorizer, Rank: i})
		}
		lending = drawn
	}
	accounts := []uint64{}
	for _, b := range lending {
		if p := m.persons[b.Authorizer]; m.opened(now, c, p, patient, false) {
			accounts = append(accounts, p.account())
		}
	}
	return accounts, true
}

// lending gives the active bindings that are not suspended (s.11.4), in number order, where there are no family accounts.
func (m *Model) lending(now moment, patient *PersonState) []*BindingState {
	lending, all := []*BindingState{}, uint32(0)
	for _, b := range m.bindings {
		if b.State != Active || b.Beneficiary != patient.Number {
			continue
		}
		all++
		a := m.persons[b.Authorizer]
		if relationAllowed(now.policy, b.Relation) && a.mayLend(now.today) && near(now.policy, a, patient) {
			lending = append(lending, b)
		}
	}
	if now.policy.MaxFamilies > 0 && all > now.policy.MaxFamilies {
		return nil
	}
	return lending
}

// ownPlace counts the relatives before the own account in the debit order; -1 if it has no place there (R22).
func (m *Model) ownPlace(now moment, todo *plan) int {
	patient := todo.patient
	if now.policy.SelfFirst || now.policy.Strategy != 2 || patient.SelfOrder == 0 || !todo.ownUsable {
		return -1
	}
	place := 0
	for _, b := range m.lending(now, patient) {
		if int(b.Order) < patient.SelfOrder {
			place++
		}
	}
	return place
}

// canAsk: where passwords are needed and none is typed, relatives do not come to their turn, but for the creator's own family.
func (m *Model) canAsk(now moment, c Settlement, patient *PersonState) bool {
	if now.policy.PasswordTries == 0 || len(c.Passwords) > 0 {
		return true
	}
	return now.policy.Strategy == 3 && patient.InFamily && m.families[patient.Family].Creator == patient.Number
}
