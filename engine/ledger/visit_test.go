package ledger

import (
	"math/rand/v2"
	"slices"
	"testing"
)

// visits turns visits on: two days open, three held, five for stays.
func visits(p *Policy) {
	p.RegistrationDays, p.RegistrationKeep, p.StayKeep, p.OpenVisits, p.VisitLines, p.VisitRows = 2, 3, 5, 2, 1000, 1<<20
}

func visitWorld(t testing.TB) *world {
	w := newWorld(t, visits)
	w.want(Accepted, Command{Kind: KindInstitutionAdd, Institution: NewCode([]byte("H2")), InstitutionOf: 1})
	w.person("li", 1_000_000, 0)
	return w
}

func openOf(patient string, kind VisitKind) Command {
	return Command{Kind: KindVisitOpen, Institution: NewCode([]byte("H1")), Person: psn(patient), Other: cert(patient), CredType: CredentialCertificate,
		More: &More{Visit: VisitInput{Kind: kind, Insutype: 310}}}
}

func (w *world) open(patient string, kind VisitKind) Position {
	w.t.Helper()
	return w.want(Accepted, openOf(patient, kind)).Visit
}

func visitOf(kind Kind, at Position) Command {
	return Command{Kind: kind, Institution: NewCode([]byte("H1")), Person: psn("li"), Visit: at, More: &More{}}
}

func linesOf(at Position, lines ...LineInput) Command {
	c := visitOf(KindLinesAdd, at)
	c.More.Lines = lines
	return c
}

// chargeOf is one unit a fen.
func chargeOf(serial uint64, batch string, amount int64) LineInput {
	l := LineInput{Serial: serial, Count: 10_000 * amount, Amount: amount}
	if batch != "" {
		l.Batch = BatchKey([]byte(batch))
	}
	return l
}

func returned(serial, of uint64, amount int64) LineInput {
	return LineInput{Serial: serial, Init: of, Count: -10_000 * amount, Amount: -amount}
}

func settlementOf(at Position, batch string, amount int64) Command {
	c := billOf("li", amount)
	c.Visit = at
	if batch != "" {
		c.Batch = BatchKey([]byte(batch))
	}
	return c
}

func interim(at Position, amount int64) Command {
	c := settlementOf(at, "", amount)
	c.Interim = true
	return c
}

func undoOf(f Position) Command {
	return Command{Kind: KindReversalByID, Institution: NewCode([]byte("H1")), Person: psn("li"), Settlement: f}
}

func (w *world) last() Position { return At(w.sequence, 0) }

// number is how many lines the last command moved.
func (w *world) number(f Effect, want uint32) {
	w.t.Helper()
	if f.Number != want {
		w.t.Fatalf("kind %d moved %d lines, want %d", f.Kind, f.Number, want)
	}
}

// refusedAt is the line at which a list was refused.
func (w *world) refusedAt(want uint32) {
	w.t.Helper()
	items := w.fx.ItemsOf(&w.fx.List[0])
	if len(items) != 1 || items[0].Binding != want || items[0].Outcome != w.fx.List[0].Outcome {
		w.t.Fatalf("refused at %+v, want line %d", items, want)
	}
}

// TestInterim: R29: a stay is settled several times on the way, finally once; a cancel gives its lines back, to be settled again or removed.
func TestInterim(t *testing.T) {
	w := visitWorld(t)
	at := w.open("li", Stay)
	w.number(w.want(Accepted, linesOf(at, chargeOf(1, "", 300), chargeOf(2, "", 200))), 2)
	w.number(w.want(Accepted, interim(at, 500)), 2)
	first := w.last()
	w.want(LinesDiffer, interim(at, 500)) // nothing is unsettled
	w.day += 30
	w.want(Accepted, linesOf(at, chargeOf(3, "", 70)))
	w.number(w.want(Accepted, interim(at, 70)), 1)
	w.want(Accepted, linesOf(at, chargeOf(4, "", 30)))
	w.want(Accepted, visitOf(KindDischarge, at))
	w.want(Accepted, linesOf(at, chargeOf(5, "", 8))) // a bill for the last day comes after the discharge
	w.number(w.want(Accepted, settlementOf(at, "", 38)), 2)
	final := w.last()
	w.balance("li", 1_000_000-608)

	w.want(StaySettled, settlementOf(at, "", 38))
	w.want(StaySettled, linesOf(at, chargeOf(6, "", 1)))
	w.want(StaySettled, visitOf(KindDischargeCancel, at))
	w.number(w.want(Accepted, undoOf(final)), 2)
	w.balance("li", 1_000_000-570)
	remove := visitOf(KindLinesRemove, at)
	remove.More.Visit.Mode, remove.More.Serials = RemoveSerials, []uint64{5}
	w.number(w.want(Accepted, remove), 1)
	w.number(w.want(Accepted, settlementOf(at, "", 30)), 1)
	again := w.last()
	w.number(w.want(Accepted, undoOf(first)), 2) // an interim one too; the final one stands
	w.want(StaySettled, interim(at, 500))
	w.want(Accepted, undoOf(again))
	w.want(Accepted, visitOf(KindDischargeCancel, at))
	w.number(w.want(Accepted, settlementOf(at, "", 530)), 3)
	w.balance("li", 1_000_000-600)
}

// TestBatchOnce: R29: (mdtrt_id, chrg_bchno) once while alive, and again after its cancel.
func TestBatchOnce(t *testing.T) {
	w := visitWorld(t)
	at := w.open("li", Registration)
	w.want(Accepted, linesOf(at, chargeOf(1, "a", 100), chargeOf(2, "b", 40), chargeOf(3, "a", 5)))
	w.want(LinesDiffer, settlementOf(at, "a", 145)) // the other batch is not in it
	w.number(w.want(Accepted, settlementOf(at, "a", 105)), 2)
	first := w.last()
	w.want(BatchSettled, settlementOf(at, "a", 105))
	w.want(BatchSettled, linesOf(at, chargeOf(4, "b", 1), chargeOf(5, "a", 1)))
	w.refusedAt(1)
	w.want(Accepted, linesOf(at, chargeOf(4, "", 1))) // of no batch
	w.want(LinesDiffer, settlementOf(at, "c", 1))
	w.want(VisitSettled, visitOf(KindVisitCancel, at))
	w.want(LineSettled, func() Command {
		c := visitOf(KindLinesRemove, at)
		c.More.Visit.Mode, c.Batch = RemoveBatch, BatchKey([]byte("a"))
		return c
	}())
	w.number(w.want(Accepted, settlementOf(at, "b", 40)), 1)
	w.number(w.want(Accepted, undoOf(first)), 2)
	w.number(w.want(Accepted, settlementOf(at, "a", 105)), 2)
	w.want(AlreadyReversed, undoOf(first))
	w.balance("li", 1_000_000-145)
}

// TestReturns: R29: returned drugs are negative lines of an unsettled line of the same visit, together not beyond it.
func TestReturns(t *testing.T) {
	w := visitWorld(t)
	at, other := w.open("li", Stay), w.open("li", Stay)
	w.want(Accepted, linesOf(at, chargeOf(1, "", 100), chargeOf(2, "", 50)))
	w.want(Accepted, linesOf(at, returned(10, 1, 30)))
	w.want(ReturnExceeds, linesOf(at, returned(11, 1, 40), returned(12, 1, 31)))
	w.refusedAt(1)
	count, amount := returned(11, 1, 1), returned(11, 1, 1)
	count.Count, amount.Amount = -70*10_000-1, -71
	w.want(ReturnExceeds, linesOf(at, count)) // each is a limit of its own
	w.want(ReturnExceeds, linesOf(at, amount))
	w.number(w.want(Accepted, linesOf(at, returned(10, 1, 30), returned(11, 1, 40), returned(11, 1, 40), returned(12, 1, 30))), 2) // all of it; repeats count once
	w.want(ReturnExceeds, linesOf(at, returned(13, 1, 1)))
	w.want(LineUnknown, linesOf(at, returned(13, 10, 1))) // a return is not returned
	w.want(LineUnknown, linesOf(other, returned(13, 2, 1)))
	w.want(Accepted, linesOf(at, chargeOf(20, "", 9), returned(21, 20, 4))) // of a line of the same command
	positive := returned(22, 2, 1)
	positive.Count, positive.Amount = -positive.Count, -positive.Amount
	w.want(AmountRange, linesOf(at, positive))

	remove := visitOf(KindLinesRemove, at)
	remove.More.Visit.Mode, remove.More.Serials = RemoveSerials, []uint64{1, 10}
	w.want(LineReturned, remove)
	w.refusedAt(0)
	remove.More.Serials = []uint64{12, 1, 10, 11}
	w.number(w.want(Accepted, remove), 4)
	w.want(Accepted, linesOf(at, returned(30, 2, 50)))
	remove.More.Serials = []uint64{30}
	w.want(Accepted, remove) // gives back what it took
	w.want(Accepted, linesOf(at, returned(31, 2, 20)))
	w.want(LineSettled, func() Command {
		w.number(w.want(Accepted, interim(at, 50-20+9-4)), 4)
		return linesOf(at, returned(32, 2, 1))
	}())
	w.balance("li", 1_000_000-35)
}

// TestLinesAgain: a line that is there already is a repeat if it is the same, and a command is all or nothing.
func TestLinesAgain(t *testing.T) {
	w := visitWorld(t)
	at := w.open("li", Registration)
	w.want(Accepted, linesOf(at, chargeOf(1, "a", 100)))
	w.number(w.want(Accepted, linesOf(at, chargeOf(1, "a", 100), chargeOf(2, "a", 7), chargeOf(2, "a", 7))), 1)
	before := *w.state().Scalars.At(0)
	for i, change := range []func(*LineInput){
		func(l *LineInput) { l.Text++ }, func(l *LineInput) { l.Count++ }, func(l *LineInput) { l.Amount++ }, func(l *LineInput) { l.Batch++ },
		func(l *LineInput) { l.Fulamt++ }, func(l *LineInput) { l.Overlmt++ }, func(l *LineInput) { l.Preselfpay++ }, func(l *LineInput) { l.Init = 9 },
	} {
		l := chargeOf(1, "a", 100)
		change(&l)
		w.want(LineExists, linesOf(at, chargeOf(3, "a", 1), l))
		if w.refusedAt(1); *w.state().Scalars.At(0) != before {
			t.Fatalf("change %d: a refused command changed rows", i)
		}
	}
	w.want(AmountParts, linesOf(at, LineInput{Serial: 4, Count: 1, Amount: 10, Fulamt: 6, Preselfpay: 5}))
	w.want(AmountRange, linesOf(at, LineInput{Serial: 4, Count: 1, Amount: LineAmountMax + 1}))
	w.want(AmountRange, linesOf(at, LineInput{Serial: 4, Count: -1 << 63, Init: 1}))
	w.want(Accepted, linesOf(at, LineInput{Serial: 4, Count: 1, Amount: LineAmountMax}, LineInput{Serial: 5, Count: 1}))
}

// TestAdmissionCredential: R27: a stay settles by the credential of its admission if none is shown; a registration does not.
func TestAdmissionCredential(t *testing.T) {
	w := visitWorld(t)
	for _, kind := range []VisitKind{Stay, Registration} {
		at := w.open("li", kind)
		w.want(Accepted, linesOf(at, chargeOf(1, "", 10)))
		c := settlementOf(at, "", 10)
		c.Other = Key{}
		if kind == Registration {
			w.want(UnknownCredential, c)
			continue
		}
		w.want(Accepted, c)
		c.Other = cert("somebody")
		w.want(UnknownCredential, c) // shown, it is looked at
	}
	w.want(Accepted, Command{Kind: KindCredential, Person: psn("li"), Other: cert("card"), CredType: CredentialCard, More: &More{State: CardActive}})
	card := openOf("li", Stay)
	card.CredType, card.Other, card.Institution = CredentialCard, cert("card"), NewCode([]byte("H2"))
	at := w.want(Accepted, card).Visit
	add, bill := linesOf(at, chargeOf(1, "", 10)), settlementOf(at, "", 10)
	add.Institution, bill.Institution, bill.Other = card.Institution, card.Institution, Key{}
	w.want(Accepted, add)
	w.want(Accepted, Command{Kind: KindCredential, Person: psn("li"), Other: cert("card"), CredType: CredentialCard, More: &More{State: CardLost}})
	w.want(CredentialInactive, bill)
}

// TestVisitOfOther: nobody settles, changes or sees another's visit, nor one of another hospital.
func TestVisitOfOther(t *testing.T) {
	w := visitWorld(t)
	w.person("wang", 100, 0)
	at := w.open("li", Stay)
	w.want(Accepted, linesOf(at, chargeOf(1, "", 10)))
	for _, kind := range []Kind{KindVisitCancel, KindVisitChange, KindLinesAdd, KindLinesRemove, KindDischarge, KindDischargeCancel, KindSettlement} {
		c := visitOf(kind, at)
		c.Other, c.Bill, c.UsedFlag, c.More.Lines = cert("li"), BillInput{Medfee: 10, Inscp: 10}, 1, []LineInput{chargeOf(2, "", 1)}
		c.Institution = NewCode([]byte("H2"))
		w.want(VisitUnknown, c)
		c.Institution = NewCode([]byte("H1"))
		c.Visit++
		w.want(VisitUnknown, c)
		c.Visit--
		c.Person, c.Other = psn("wang"), cert("wang")
		w.want(VisitPatient, c)
	}
}

// TestVisitDays: a registration is open its days and held some more, by logged time alone; a stay is held until days after its discharge; a reversal
// opens a registration for the day (R29).
func TestVisitDays(t *testing.T) {
	w := visitWorld(t)
	at := w.open("li", Registration)
	w.want(Accepted, linesOf(at, chargeOf(1, "", 10)))
	w.day++
	w.want(Accepted, settlementOf(at, "", 10))
	settled := w.last()
	w.day++
	w.want(VisitClosed, linesOf(at, chargeOf(2, "", 10)))
	w.day += 2 // the settlement holds it for three days from its own on
	w.number(w.want(Accepted, undoOf(settled)), 1)
	w.want(Accepted, linesOf(at, chargeOf(2, "", 10)))
	w.day++
	w.want(VisitClosed, linesOf(at, chargeOf(3, "", 10)))
	w.day++
	w.want(VisitClosed, visitOf(KindVisitCancel, at))
	w.day++
	w.want(VisitUnknown, visitOf(KindVisitCancel, at))

	at = w.open("li", Stay)
	w.day += 1000
	w.want(Accepted, linesOf(at, chargeOf(1, "", 10)))
	w.want(Accepted, visitOf(KindDischarge, at))
	w.want(VisitClosed, visitOf(KindDischarge, at))
	w.want(VisitClosed, visitOf(KindVisitCancel, at))
	w.day += 4
	w.want(Accepted, settlementOf(at, "", 10))
	settled = w.last()
	w.day += 5
	w.want(VisitUnknown, linesOf(at, chargeOf(2, "", 10)))
	if f := w.want(Accepted, undoOf(settled)); f.Visit != at || f.Number != 0 { // only the money moves
		t.Fatalf("%+v", f)
	}
	w.balance("li", 1_000_000)
}

// TestVisitOfDead: R19: who died during his stay is settled as on its first day; a visit that begins after his death is not opened.
func TestVisitOfDead(t *testing.T) {
	w := visitWorld(t)
	at := w.open("li", Stay)
	w.want(Accepted, linesOf(at, chargeOf(1, "", 10)))
	w.day += 3
	w.want(Accepted, Command{Kind: KindEnrolment, Person: psn("li"), More: &More{Enrolments: []Enrolment{{Insutype: InsutypeEmployee, Begin: w.day - 1, Reason: ReasonDead}}}})
	w.want(StatusForbids, openOf("li", Registration))
	late := openOf("li", Registration)
	late.Day = w.day - 2
	w.want(Accepted, late)
	w.want(Accepted, settlementOf(at, "", 10))
	w.balance("li", 1_000_000-10)
}

// TestVisitOfEnded: R19: whose insurance ended during his stay is helped by relatives as on its first day, also where a user must be normally enrolled.
func TestVisitOfEnded(t *testing.T) {
	w := visitWorld(t)
	w.policy(Accepted, func(p *Policy) { visits(p); p.RequireNormalUser = 1 })
	w.person("son", 0, 0)
	w.bind("li", "son")
	open := openOf("son", Stay)
	at := w.want(Accepted, open).Visit
	add := linesOf(at, chargeOf(1, "", 10))
	add.Person = psn("son")
	w.want(Accepted, add)
	w.day += 3
	w.insured("son", 4)
	bill := billOf("son", 10)
	w.paid("son", 10, 0) // a bill of today
	bill.Visit = at
	if f := w.want(Accepted, bill); f.Mulaid != 10 {
		t.Fatalf("relatives paid %d fen, want 10", f.Mulaid)
	}
}

// TestOpeningReversed: 2601 of 2401: a visit whose opening got no answer is cancelled by the message that opened it, or blocked if that comes later.
func TestOpeningReversed(t *testing.T) {
	w := visitWorld(t)
	open := openOf("li", Stay)
	open.ID = cert("2401")
	undo := Command{Kind: KindReversalByMessage, Institution: NewCode([]byte("H1")), Person: psn("li"), Other: open.ID, Original: OriginalVisit}
	at := w.want(Accepted, open).Visit
	w.want(Accepted, linesOf(at, chargeOf(1, "", 10)))
	wrong := undo
	wrong.Original = OriginalSettlement
	w.want(WrongOriginalKind, wrong)
	wrong = undo
	wrong.Institution = NewCode([]byte("H2"))
	w.want(VisitUnknown, wrong)
	wrong = undo
	wrong.Person = psn("wang")
	w.want(WrongPerson, wrong)
	w.want(Accepted, interim(at, 10))
	settled := w.last()
	w.want(VisitSettled, undo)
	w.want(Accepted, undoOf(settled))
	if f := w.want(VisitUndone, undo); f.Visit != at || f.First != at || f.Number != 1 {
		t.Fatalf("%+v", f)
	}
	w.want(VisitClosed, undo)
	w.want(VisitClosed, linesOf(at, chargeOf(1, "", 10)))

	open.ID, undo.Other = cert("late"), cert("late")
	w.want(Tombstoned, undo)
	w.want(Blocked, open)
	bill := billOf("li", 1)
	bill.ID = cert("late")
	w.want(IDReused, bill)
	refused := openOf("li", Stay)
	refused.ID, refused.Other, undo.Other = cert("refused"), cert("nobody"), cert("refused")
	w.want(UnknownCredential, refused)
	w.want(NothingToUndo, undo)
}

// TestVisitLimits: knobs bound what is open at a place, the lines of a visit and all rows; without them no visit is opened.
func TestVisitLimits(t *testing.T) {
	w := visitWorld(t)
	at := w.open("li", Registration)
	w.open("li", Stay)
	w.want(VisitLimit, openOf("li", Stay))
	elsewhere := openOf("li", Stay)
	elsewhere.Institution = NewCode([]byte("H2"))
	w.want(Accepted, elsewhere)
	w.want(Accepted, visitOf(KindVisitCancel, at))
	at = w.open("li", Registration)

	w.policy(Accepted, func(p *Policy) { visits(p); p.VisitLines = 2 })
	w.want(LinesLimit, linesOf(at, chargeOf(1, "", 1), chargeOf(2, "", 1), chargeOf(3, "", 1)))
	w.want(Accepted, linesOf(at, chargeOf(1, "", 1), chargeOf(2, "", 1), chargeOf(1, "", 1)))
	w.want(LinesLimit, linesOf(at, chargeOf(3, "", 1)))
	w.want(Accepted, linesOf(at, chargeOf(2, "", 1))) // a repeat needs no room

	rows := w.state().Scalars.At(0).Visits
	w.policy(Accepted, func(p *Policy) { visits(p); p.OpenVisits, p.VisitRows = 9, rows.Visits+rows.Lines+2 })
	w.want(VisitsFull, linesOf(at, chargeOf(3, "", 1), chargeOf(4, "", 1), chargeOf(5, "", 1)))
	w.want(Accepted, linesOf(at, chargeOf(3, "", 1), chargeOf(4, "", 1)))
	w.want(VisitsFull, openOf("li", Stay))
	w.policy(Accepted, nil)
	w.want(VisitsOff, openOf("li", Stay))
	w.want(Accepted, settlementOf(at, "", 4)) // what is open goes on
}

// TestVisitNumber: R10, R29: an institution's number names one visit of a patient that waits for something, whoever asks again under another message id; a
// settled, cancelled or expired one gives it back.
func TestVisitNumber(t *testing.T) {
	numbered := func(patient, number string, kind VisitKind) Command {
		c := openOf(patient, kind)
		c.More.Visit.Number = NumberKey([]byte(number))
		return c
	}
	w := visitWorld(t)
	w.policy(Accepted, func(p *Policy) { visits(p); p.OpenVisits = 9 })
	w.want(Accepted, numbered("li", "N1", Registration))
	at := w.last()
	w.want(VisitExists, numbered("li", "N1", Registration))
	w.want(Accepted, numbered("li", "N2", Registration))
	w.want(Accepted, numbered("li", "N1", Stay)) // numbers of stays are others
	stay := w.last()
	w.want(VisitExists, numbered("li", "N1", Stay))
	elsewhere := numbered("li", "N1", Registration)
	elsewhere.Institution = NewCode([]byte("H2"))
	w.want(Accepted, elsewhere)
	w.want(Accepted, openOf("li", Registration)) // no number: nothing is compared
	w.want(Accepted, openOf("li", Registration))

	w.want(Accepted, linesOf(at, chargeOf(1, "a", 3)))
	w.want(VisitExists, numbered("li", "N1", Registration))
	w.want(Accepted, settlementOf(at, "a", 3))
	w.want(Accepted, numbered("li", "N1", Registration)) // a hospital may number the patient
	again := w.last()
	w.want(VisitExists, numbered("li", "N1", Registration))
	w.want(Accepted, visitOf(KindVisitCancel, again))
	w.want(Accepted, numbered("li", "N1", Registration))
	w.day += 2
	w.want(Accepted, numbered("li", "N1", Registration)) // the last one has expired

	w.want(Accepted, linesOf(stay, chargeOf(1, "", 3)))
	w.want(Accepted, visitOf(KindDischarge, stay))
	w.want(VisitExists, numbered("li", "N1", Stay)) // discharged and not settled
	w.want(Accepted, settlementOf(stay, "", 3))
	w.want(Accepted, numbered("li", "N1", Stay))
}

// TestVisitLimitSettled: R29: what is settled waits for nothing and is not counted, until its cancel gives it back or lines come to it.
func TestVisitLimitSettled(t *testing.T) {
	w := visitWorld(t)
	w.open("li", Stay)
	var at, settled Position
	for range 5 {
		at = w.open("li", Registration)
		w.want(VisitLimit, openOf("li", Registration))
		w.want(Accepted, linesOf(at, chargeOf(1, "a", 3)))
		w.want(VisitLimit, openOf("li", Registration))
		w.want(Accepted, settlementOf(at, "a", 3))
		settled = w.last()
	}
	w.want(Accepted, undoOf(settled))
	w.want(VisitLimit, openOf("li", Registration))
	w.want(Accepted, settlementOf(at, "a", 3))
	w.want(Accepted, linesOf(at, chargeOf(2, "b", 1)))
	w.want(VisitLimit, openOf("li", Registration))
	w.want(Accepted, settlementOf(at, "b", 1))
	w.open("li", Registration)

	w = visitWorld(t)
	at = w.open("li", Stay)
	w.open("li", Registration)
	w.want(Accepted, linesOf(at, chargeOf(1, "", 3)))
	w.want(Accepted, interim(at, 3))
	w.want(VisitLimit, openOf("li", Stay)) // the stay goes on
	w.want(Accepted, linesOf(at, chargeOf(2, "", 3)))
	w.want(Accepted, settlementOf(at, "", 3))
	w.open("li", Stay)
}

// TestVisitReaders: what a face reads: a patient's visits, lines in pages, sums by batch.
func TestVisitReaders(t *testing.T) {
	w := visitWorld(t)
	first, second := w.open("li", Registration), w.open("li", Stay)
	w.want(Accepted, linesOf(first, chargeOf(1, "a", 10), chargeOf(2, "b", 20), LineInput{Serial: 3, Batch: BatchKey([]byte("a")), Count: 1, Amount: 9, Fulamt: 4, Overlmt: 2, Preselfpay: 1}))
	w.want(Accepted, settlementOf(first, "b", 20))
	settled := w.last()
	s := w.state()
	var opened []Position
	for _, n := range s.VisitsOf(0, w.day, nil) {
		opened = append(opened, s.Visits.At(n).Opened)
	}
	if !slices.Equal(opened, []Position{second, first}) {
		t.Fatalf("visits %v", opened)
	}
	n, found := s.FindVisit(first, w.day)
	if !found || s.Visits.At(n).Newest != settled {
		t.Fatalf("visit %+v", s.Visits.At(n))
	}
	var serials []uint64
	for next := s.Lines(n, 0, 2, func(l *FeeLine) { serials = append(serials, l.Serial) }); next != 0; {
		next = s.Lines(n, next, 2, func(l *FeeLine) { serials = append(serials, l.Serial) })
	}
	if !slices.Equal(serials, []uint64{3, 2, 1}) {
		t.Fatalf("lines %v", serials)
	}
	want := LineSums{Lines: 2, Amount: 19, Fulamt: 4, Overlmt: 2, Preselfpay: 1, Inscp: 12}
	if sums, paid := s.UnsettledOf(n, BatchKey([]byte("a"))); sums != want || paid {
		t.Fatalf("%+v %t", sums, paid)
	}
	if sums, paid := s.UnsettledOf(n, BatchKey([]byte("b"))); sums != (LineSums{}) || !paid {
		t.Fatalf("%+v %t", sums, paid)
	}
	if sums, _ := s.UnsettledOf(n, 0); sums != want {
		t.Fatalf("%+v", sums)
	}
	c := w.context()
	var f Effect
	wrong := settlementOf(first, "a", 19)
	if PreviewSettlement(s, &c, &wrong, &f); f.Outcome != LinesDiffer {
		t.Fatalf("a preview of other parts: %s", f.Outcome)
	}
	right := wrong
	right.Bill = BillInput{Medfee: 19, Fulamt: 4, Overlmt: 2, Preselfpay: 1, Inscp: 12}
	if PreviewSettlement(s, &c, &right, &f); f.Outcome != Accepted || f.Visit != first {
		t.Fatalf("preview %+v", f)
	}
	if sums, _ := s.UnsettledOf(n, 0); sums != want {
		t.Fatal("a preview settled lines")
	}
}

// TestVisitChanges: changes of a visit can be read back one by one, and name its kind of care.
func TestVisitChanges(t *testing.T) {
	w := visitWorld(t)
	at := w.open("li", Registration)
	change := visitOf(KindVisitChange, at)
	if f := w.want(Accepted, change); f.First != 0 {
		t.Fatalf("%+v", f)
	}
	before := w.last()
	change.More.Visit.MedType = 14
	if f := w.want(Accepted, change); f.First != before {
		t.Fatalf("%+v", f)
	}
	n, _ := w.state().FindVisit(at, w.day)
	if v := w.state().Visits.At(n); v.Changed != w.last() || v.MedType != 14 {
		t.Fatalf("%+v", v)
	}
}

// TestRowsAreReused: in a year of visits the tables end where two weeks of them end: what is gone makes room, whatever is remade from the rows on the way.
func TestRowsAreReused(t *testing.T) {
	w := visitWorld(t)
	for i := range 40 {
		w.person(string(rune('A'+i)), 0, 0)
	}
	r := rand.New(rand.NewPCG(1, 2))
	var visits, lines, slots int
	for day := range 365 {
		for range 40 {
			patient := string(rune('A' + r.IntN(40)))
			f := w.batch(openOf(patient, Registration))[0]
			if f.Outcome != Accepted {
				continue
			}
			c := visitOf(KindLinesAdd, f.Visit)
			c.Person = psn(patient)
			for i := range 1 + r.Uint64N(6) {
				c.More.Lines = append(c.More.Lines, chargeOf(i+1, "", int64(1+r.IntN(50))))
			}
			w.want(Accepted, c)
		}
		if day == 60 {
			visits, lines, slots = int(w.state().Visits.Len()), int(w.state().FeeLines.Len()), len(w.state().bySerial.slots)
		}
		if day%50 == 0 {
			w.state().Reindex()
		}
		w.day++
	}
	s := w.state()
	rows := s.Scalars.At(0).Visits
	if grown := int(s.Visits.Len()) - visits; grown > visits/10 {
		t.Errorf("%d visit rows after two months, %d more after a year", visits, grown)
	}
	if grown := int(s.FeeLines.Len()) - lines; grown > lines/10 {
		t.Errorf("%d line rows after two months, %d more after a year", lines, grown)
	}
	if len(s.bySerial.slots) > 2*slots || int(s.bySerial.used) != int(rows.Lines) || int(s.byOpened.used) != int(rows.Visits) {
		t.Errorf("index of %d slots, %d used of %d lines, %d of %d visits", len(s.bySerial.slots), s.bySerial.used, rows.Lines, s.byOpened.used, rows.Visits)
	}
	held := 0
	for i := range s.Persons.Len() {
		held += len(s.VisitsOf(i, w.day, nil))
	}
	if held == 0 || int(rows.Visits) > held*4/3+sweepRows {
		t.Errorf("%d visits are held and %d rows in use", held, rows.Visits)
	}
	t.Logf("rows of visits: %d held, %d in use, %d made; lines: %d in use, %d made", held, rows.Visits, s.Visits.Len(), rows.Lines, s.FeeLines.Len())
}

// TestSweepOfMany: a large visit that is gone is freed in bounded steps, and is gone before the last.
func TestSweepOfMany(t *testing.T) {
	w := visitWorld(t)
	at := w.open("li", Registration)
	for i := range uint64(7) {
		c := linesOf(at)
		for k := range uint64(LinesMax) {
			c.More.Lines = append(c.More.Lines, chargeOf(1+i*LinesMax+k, "", 1))
		}
		w.want(Accepted, c)
	}
	w.day += 5
	for _, left := range []uint32{700 - sweepLines, 700 - 2*sweepLines, 0} {
		w.want(VisitUnknown, visitOf(KindVisitChange, at))
		w.want(Accepted, Command{Kind: KindTick})
		if rows := w.state().Scalars.At(0).Visits; rows.Lines != left || (rows.Visits == 0) != (left == 0) {
			t.Fatalf("%+v, want %d lines left", rows, left)
		}
	}
	if n := len(w.state().VisitsOf(0, w.day, nil)); n != 0 || w.state().NewestVisit(0) != 0 {
		t.Fatalf("%d visits", n)
	}
}

// TestIndexRemove: numbers come and go as in a map.
func TestIndexRemove(t *testing.T) {
	r := rand.New(rand.NewPCG(3, 4))
	hashes := make([]uint64, 400)
	for i := range hashes {
		hashes[i] = r.Uint64() & 0xF800_0000_0000_003F // few homes, many runs
	}
	hashOf := func(n uint32) uint64 { return hashes[n] }
	var x index
	there := map[uint32]bool{}
	for range 40_000 {
		n := r.Uint32N(uint32(len(hashes)))
		if there[n] = !there[n]; there[n] {
			x.insert(hashes[n], n, hashOf)
		} else {
			x.remove(hashes[n], n, hashOf)
		}
		n = r.Uint32N(uint32(len(hashes)))
		if _, found := x.find(hashes[n], func(m uint32) bool { return m == n }); found != there[n] {
			t.Fatalf("number %d found: %t", n, found)
		}
	}
}
