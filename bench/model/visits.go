package model

import "slices"

// Kinds of visit and states (s.12.1).
const (
	registration = 1
	stay         = 2

	visitOpen       = 1
	visitDischarged = 2
	visitCancelled  = 3
	visitExpired    = 4
)

// VisitState is a visit that is held.
type VisitState struct {
	Opened      uint64
	Kind        uint8
	State       uint8 // as stored: never expired
	Patient     uint32
	Institution uint32
	FirstDay    int32
	LastDay     int32
	MedType     uint32
	Insutype    uint32
	Number      uint64 // the institution's own, 0: not told
	CredType    uint8
	Credential  Key
	Expires     int32 // 0: never
	Gone        int32 // 0: never
	Keep        int32
	Newest      uint64
	Final       uint64
	Changed     uint64
	Ended       uint64
	Lines       []LineState // in the order in which they came
}

// LineState is a fee line.
type LineState struct {
	FeeLine
	At      uint64
	Settled uint64 // 0: unsettled
	Taken   uint64 // the settlement that took it last, cancelled or not
}

func (v *VisitState) stateOn(day int32) uint8 {
	if v.State == visitOpen && v.Expires != 0 && day >= v.Expires {
		return visitExpired
	}
	return v.State
}

// waitsForNothing is "settled" in s.12.3's VisitOpen.
func (v *VisitState) waitsForNothing() bool {
	if v.Kind == registration {
		return len(v.Lines) > 0 && v.Lines[len(v.Lines)-1].Settled != 0
	}
	return v.Final != 0
}

// openForLines is the term of s.12.2.
func (v *VisitState) openForLines(day int32) bool {
	return v.stateOn(day) == visitOpen || v.Kind == stay && v.State == visitDischarged
}

// holdLonger is what a settlement or reversal does to the day of removal.
func (v *VisitState) holdLonger(today int32) {
	if v.Gone != 0 && v.Gone < today+v.Keep {
		v.Gone = today + v.Keep
	}
}

func (v *VisitState) line(serial uint64) *LineState {
	for i := range v.Lines {
		if v.Lines[i].Serial == serial {
			return &v.Lines[i]
		}
	}
	return nil
}

// returnsOf are the returns of a charge.
func (v *VisitState) returnsOf(serial uint64) (list []FeeLine) {
	for _, l := range v.Lines {
		if l.Returns == serial {
			list = append(list, l.FeeLine)
		}
	}
	return list
}

func (v *VisitState) batchSettled(batch uint64) bool {
	return batch != 0 && slices.ContainsFunc(v.Lines, func(l LineState) bool { return l.Batch == batch && l.Settled != 0 })
}

// dropGone forgets what is not held any more.
func (m *Model) dropGone(today int32) {
	m.visits = slices.DeleteFunc(m.visits, func(v *VisitState) bool { return v.Gone != 0 && today >= v.Gone })
}

func (m *Model) visitAt(position uint64) *VisitState {
	for _, v := range m.visits {
		if v.Opened == position {
			return v
		}
	}
	return nil
}

// Visits gives the visits that are held, in the order of their opening; lines are not to be changed.
func (m *Model) Visits() []VisitState { return values(m.visits) }

// visitOf is s.12.2.
func (m *Model) visitOf(c VisitHead) (*VisitState, int) {
	institution, patient := m.byCode[c.Institution], m.byPsn[c.Psn]
	if institution == nil {
		return nil, UnknownInstitution
	}
	if patient == nil {
		return nil, UnknownPerson
	}
	return m.visitFor(c.Visit, institution, patient)
}

func (m *Model) visitFor(position uint64, institution *InstitutionState, patient *PersonState) (*VisitState, int) {
	v := m.visitAt(position)
	if v == nil || v.Institution != institution.Number {
		return nil, VisitUnknown
	}
	if v.Patient != patient.Number {
		return nil, VisitPatient
	}
	return v, Accepted
}

// onVisit runs what follows s.12.2 and names the visit in the result.
func (m *Model) onVisit(now moment, c VisitHead, rule func(*VisitState) Result) Result {
	v, outcome := m.visitOf(c)
	if outcome != Accepted {
		return Result{Outcome: outcome}
	}
	r := rule(v)
	if r.Outcome == Accepted {
		r.Visit, r.State = v.Opened, v.stateOn(now.today)
	}
	return r
}

// visitOpen is kind 40.
func (m *Model) visitOpen(now moment, c VisitOpen) Result {
	if now.policy == nil {
		return Result{Outcome: NoPolicy}
	}
	if now.policy.RegistrationDays == 0 {
		return Result{Outcome: VisitsOff}
	}
	institution, patient := m.byCode[c.Institution], m.byPsn[c.Psn]
	if institution == nil {
		return Result{Outcome: UnknownInstitution}
	}
	if patient == nil {
		return Result{Outcome: UnknownPerson}
	}
	if outcome := m.identity(c.CredentialType, c.Credential, patient); outcome != Accepted {
		return Result{Outcome: outcome}
	}
	first := now.today
	if c.First != 0 {
		first = min(first, c.First)
	}
	if patient.isDead(first) {
		return Result{Outcome: StatusForbids}
	}
	open, held, rows, again := uint32(0), 0, uint32(0), false
	for _, v := range m.visits {
		rows += 1 + uint32(len(v.Lines))
		if v.Patient != patient.Number {
			continue
		}
		held++
		if v.Institution == institution.Number && !v.waitsForNothing() {
			if v.stateOn(now.today) == visitOpen {
				open++
			}
			again = again || c.Number != 0 && v.Kind == c.VisitKind && v.Number == c.Number && v.openForLines(now.today)
		}
	}
	if again {
		return Result{Outcome: VisitExists}
	}
	if open >= now.policy.OpenVisits || held >= 512 {
		return Result{Outcome: VisitLimit}
	}
	if rows >= now.policy.VisitRows {
		return Result{Outcome: VisitsFull}
	}
	v := &VisitState{Opened: now.position(), Kind: c.VisitKind, State: visitOpen, Patient: patient.Number, Institution: institution.Number, FirstDay: first,
		MedType: c.MedType, Insutype: c.Insutype, Number: c.Number, CredType: c.CredentialType, Credential: c.Credential, Keep: int32(now.policy.StayKeep)}
	if c.VisitKind == registration {
		v.Keep, v.Expires = int32(now.policy.RegistrationKeep), now.today+int32(now.policy.RegistrationDays)
		v.Gone = v.Expires + v.Keep
	}
	m.visits = append(m.visits, v)
	return Result{Outcome: Accepted, Visit: v.Opened, State: visitOpen}
}

// visitCancel is kind 41.
func (m *Model) visitCancel(now moment, v *VisitState) Result {
	if v.stateOn(now.today) != visitOpen {
		return Result{Outcome: VisitClosed}
	}
	for _, l := range v.Lines {
		if l.Settled != 0 {
			return Result{Outcome: VisitSettled}
		}
	}
	n := len(v.Lines)
	v.State, v.Gone, v.Lines = visitCancelled, now.today+v.Keep, nil
	return Result{Outcome: Accepted, Number: uint32(n)}
}

// visitChange is kind 42.
func (m *Model) visitChange(now moment, v *VisitState, medType uint32) Result {
	if !v.openForLines(now.today) {
		return Result{Outcome: VisitClosed}
	}
	before := v.Changed
	v.Changed = now.position()
	if medType != 0 {
		v.MedType = medType
	}
	return Result{Outcome: Accepted, Original: before}
}

// linesAdd is kind 43. It works on a copy of the lines.
func (m *Model) linesAdd(now moment, v *VisitState, lines []FeeLine) Result {
	if !v.openForLines(now.today) {
		return Result{Outcome: VisitClosed}
	}
	if v.Final != 0 {
		return Result{Outcome: StaySettled}
	}
	after := *v
	after.Lines = slices.Clone(v.Lines)
	for i, l := range lines {
		outcome := after.judge(l)
		if outcome == Repeated {
			continue
		}
		if outcome != Accepted {
			return Result{Outcome: outcome, Items: []UnbindResult{{Binding: uint32(i), Outcome: outcome}}}
		}
		after.Lines = append(after.Lines, LineState{FeeLine: l, At: now.position()})
	}
	added := uint32(len(after.Lines) - len(v.Lines))
	rows := added
	for _, other := range m.visits {
		rows += 1 + uint32(len(other.Lines))
	}
	switch {
	case added == 0:
	case uint32(len(after.Lines)) > now.policy.VisitLines:
		return Result{Outcome: LinesLimit}
	case rows > now.policy.VisitRows:
		return Result{Outcome: VisitsFull}
	}
	v.Lines = after.Lines
	return Result{Outcome: Accepted, Number: added}
}

// judge says whether a line may be added; Repeated if it is there already.
func (v *VisitState) judge(l FeeLine) int {
	if have := v.line(l.Serial); have != nil {
		if have.FeeLine == l {
			return Repeated
		}
		return LineExists
	}
	m := l // as a charge
	if l.Returns != 0 {
		m.Count, m.Amount, m.Fulamt, m.Overlmt, m.Preselfpay = -l.Count, -l.Amount, -l.Fulamt, -l.Overlmt, -l.Preselfpay
	}
	if m.Count < 1 || m.Count > AmountMax || m.Amount < 0 || m.Amount >= 1<<31 {
		return AmountRange
	}
	for _, part := range []int64{m.Fulamt, m.Overlmt, m.Preselfpay} {
		if part < 0 || part > m.Amount {
			return AmountParts
		}
	}
	if m.Fulamt+m.Overlmt+m.Preselfpay > m.Amount {
		return AmountParts
	}
	if v.batchSettled(l.Batch) {
		return BatchSettled
	}
	if l.Returns == 0 {
		return Accepted
	}
	charge := v.line(l.Returns)
	if charge == nil || charge.Returns != 0 || charge.Batch != l.Batch {
		return LineUnknown
	}
	if charge.Settled != 0 {
		return LineSettled
	}
	count, amount := charge.Count+l.Count, charge.Amount+l.Amount
	for _, r := range v.returnsOf(l.Returns) {
		count, amount = count+r.Count, amount+r.Amount
	}
	if count < 0 || amount < 0 {
		return ReturnExceeds
	}
	return Accepted
}

// linesRemove is kind 44.
func (m *Model) linesRemove(now moment, v *VisitState, c LinesRemove) Result {
	if !v.openForLines(now.today) {
		return Result{Outcome: VisitClosed}
	}
	goes := func(l LineState) bool { return l.Settled == 0 }
	switch c.Mode {
	case 1:
		if !slices.ContainsFunc(v.Lines, func(l LineState) bool { return l.Batch == c.Batch }) {
			return Result{Outcome: LineUnknown}
		}
		goes = func(l LineState) bool { return l.Batch == c.Batch }
		if slices.ContainsFunc(v.Lines, func(l LineState) bool { return goes(l) && l.Settled != 0 }) {
			return Result{Outcome: LineSettled}
		}
	case 2:
		goes = func(l LineState) bool { return slices.Contains(c.Serials, l.Serial) }
		if r := v.mayRemove(c.Serials); r.Outcome != Accepted {
			return r
		}
	}
	before := len(v.Lines)
	v.Lines = slices.DeleteFunc(slices.Clone(v.Lines), goes)
	return Result{Outcome: Accepted, Number: uint32(before - len(v.Lines))}
}

func (v *VisitState) mayRemove(serials []uint64) Result {
	refuse := func(i, outcome int) Result {
		return Result{Outcome: outcome, Items: []UnbindResult{{Binding: uint32(i), Outcome: outcome}}}
	}
	for i, serial := range serials {
		l := v.line(serial)
		if l == nil || slices.Contains(serials[:i], serial) {
			return refuse(i, LineUnknown)
		}
		if l.Settled != 0 {
			return refuse(i, LineSettled)
		}
	}
	for i, serial := range serials {
		for _, r := range v.returnsOf(serial) {
			if !slices.Contains(serials, r.Serial) {
				return refuse(i, LineReturned)
			}
		}
	}
	return Result{Outcome: Accepted}
}

// discharge is kind 45.
func (m *Model) discharge(now moment, v *VisitState, last int32) Result {
	if v.Kind != stay {
		return Result{Outcome: NotAStay}
	}
	if v.State != visitOpen {
		return Result{Outcome: VisitClosed}
	}
	v.State, v.Ended, v.LastDay, v.Gone = visitDischarged, now.position(), last, now.today+v.Keep
	return Result{Outcome: Accepted}
}

// dischargeCancel is kind 46.
func (m *Model) dischargeCancel(v *VisitState) Result {
	if v.Kind != stay {
		return Result{Outcome: NotAStay}
	}
	if v.State != visitDischarged {
		return Result{Outcome: NotDischarged}
	}
	if v.Final != 0 {
		return Result{Outcome: StaySettled}
	}
	v.State, v.Ended, v.LastDay, v.Gone = visitOpen, 0, 0, 0
	return Result{Outcome: Accepted}
}

// taken are the lines that a settlement of a batch takes.
func (v *VisitState) taken(batch uint64) (list []*LineState) {
	for i := range v.Lines {
		if l := &v.Lines[i]; l.Settled == 0 && (batch == 0 || l.Batch == batch) {
			list = append(list, l)
		}
	}
	return list
}

// linesOf are the checks of s.12.4.
func (v *VisitState) linesOf(now moment, c Settlement) int {
	if !v.openForLines(now.today) {
		return VisitClosed
	}
	if v.Final != 0 {
		return StaySettled
	}
	if v.batchSettled(c.Batch) {
		return BatchSettled
	}
	lines := v.taken(c.Batch)
	sum := Settlement{}
	for _, l := range lines {
		sum.Medfee += l.Amount
		sum.Fulamt += l.Fulamt
		sum.Overlmt += l.Overlmt
		sum.Preselfpay += l.Preselfpay
	}
	sum.Inscp = sum.Medfee - sum.Fulamt - sum.Overlmt - sum.Preselfpay
	if len(lines) == 0 || sum.Medfee != c.Medfee || sum.Fulamt != c.Fulamt || sum.Overlmt != c.Overlmt || sum.Preselfpay != c.Preselfpay || sum.Inscp != c.Inscp {
		return LinesDiffer
	}
	return Accepted
}

// settle marks the lines of an accepted settlement and tells how many.
func (v *VisitState) settle(now moment, c Settlement) uint32 {
	lines := v.taken(c.Batch)
	for _, l := range lines {
		l.Settled, l.Taken = now.position(), now.position()
	}
	v.Newest = now.position()
	if v.Kind == stay && !c.Interim {
		v.Final = v.Newest
	}
	v.holdLonger(now.today)
	return uint32(len(lines))
}

// unsettle is the other half of a reversal.
func (m *Model) unsettle(now moment, opened, settlement uint64) (n uint32) {
	v := m.visitAt(opened)
	if v == nil {
		return 0
	}
	for i := range v.Lines {
		if v.Lines[i].Settled == settlement {
			v.Lines[i].Settled = 0
			n++
		}
	}
	if v.Final == settlement {
		v.Final = 0
	}
	if v.Kind == registration {
		v.Expires = max(v.Expires, now.today+1)
	}
	v.holdLonger(now.today)
	return n
}

// mayResettle says whether a redo can settle again what its cancel gave back.
func (m *Model) mayResettle(s *settled, cancel record) int {
	if cancel.freed == 0 {
		return Accepted
	}
	v := m.visitAt(s.visit)
	if v == nil {
		return VisitUnknown
	}
	if v.Final != 0 {
		return StaySettled
	}
	free := map[uint64]bool{}
	for _, l := range v.Lines {
		if l.Settled == 0 && l.Taken == s.position {
			free[l.Serial] = true
		}
	}
	if len(free) != int(cancel.freed) {
		return LinesDiffer
	}
	for _, l := range v.Lines {
		if l.Returns != 0 && free[l.Returns] && !free[l.Serial] {
			return LinesDiffer
		}
	}
	return Accepted
}

// resettle settles them again.
func (m *Model) resettle(now moment, s *settled) {
	v := m.visitAt(s.visit)
	for i := range v.Lines {
		if l := &v.Lines[i]; l.Settled == 0 && l.Taken == s.position {
			l.Settled = s.position
		}
	}
	if s.final {
		v.Final = s.position
	}
	v.holdLonger(now.today)
}
