package ledger

import (
	"fmt"
	"testing"
)

// ids is the id table of a test.
type ids map[Key]IDEntry

func (m ids) Find(k Key) (IDEntry, bool) { e, ok := m[k]; return e, ok }
func (m ids) Insert(e IDEntry)           { m[e.Key] = e }

// world drives one ledger by hand, one batch a call, and keeps what happened for reversals.
type world struct {
	t        testing.TB
	ledger   *Ledger
	sequence uint64
	day      int32
	ms       int64 // into the day
	effects  map[Position]Effect
	legs     map[Position][]Leg
	fx       Effects
	version  uint32
}

func (w *world) Original(p Position) (Effect, []Leg, bool) {
	e, ok := w.effects[p]
	return e, w.legs[p], ok
}

var day2025 = dayNumber(2025, 11, 30)

// newWorld starts on 30 November 2025 with an institution and a policy: ordered, every relation, one channel and one counter (2).
func newWorld(t testing.TB, change func(*Policy)) *world {
	t.Helper()
	w := &world{t: t, day: day2025, effects: map[Position]Effect{}, legs: map[Position][]Leg{}}
	w.ledger = New(NewState(Shifts{}), ids{}, w)
	w.want(Accepted, Command{Kind: KindInstitutionAdd, Institution: NewCode([]byte("H1")), InstitutionOf: 1})
	w.policy(Accepted, change)
	return w
}

// policy puts a policy in force from the next batch on.
func (w *world) policy(outcome Outcome, change func(*Policy)) {
	w.t.Helper()
	w.version++
	p := Policy{Version: w.version, Strategy: Ordered, SelfFirst: 1, Parts: 15, Places: 3, Relations: relationsAll, Channels: 6, Counters: 4,
		Logins: [Logins]uint32{2, 0, 0, 4}}
	if change != nil {
		change(&p)
	}
	w.want(outcome, Command{Kind: KindPolicy, More: &More{Policy: p}})
}

func allocated(p *Policy) { p.Strategy, p.MaxFamilies, p.PausedMoneyUsable = Allocated, 1, 1 }

func (w *world) state() *State { return w.ledger.State }

func (w *world) context() Context {
	return NewContext(w.state(), w.sequence, int64(w.day)*dayMS-zoneMS+w.ms, nil)
}

// batch applies commands in one batch.
func (w *world) batch(commands ...Command) []Effect {
	w.t.Helper()
	w.sequence++
	c := w.context()
	w.fx.Reset(len(commands), 0)
	for i := range commands {
		if commands[i].More == nil {
			commands[i].More = &More{}
		}
		w.ledger.Apply(&c, &commands[i], i, &w.fx)
		p := At(w.sequence, i)
		e := w.fx.List[i]
		e.Day = c.Day
		w.effects[p], w.legs[p] = e, append([]Leg(nil), w.fx.LegsOf(&w.fx.List[i])...)
	}
	if sum := w.state().Totals().Sum(); sum != 0 {
		w.t.Fatalf("accounts add to %d fen", sum)
	}
	return append([]Effect(nil), w.fx.List...)
}

// want applies one command and demands its outcome.
func (w *world) want(outcome Outcome, cmd Command) Effect {
	w.t.Helper()
	f := w.batch(cmd)[0]
	if f.Outcome != outcome {
		w.t.Fatalf("kind %d: %s, want %s", cmd.Kind, f.Outcome, outcome)
	}
	return f
}

func psn(name string) Key  { return K([]byte("psn"), []byte(name)) }
func cert(name string) Key { return K([]byte("cert"), []byte(name)) }

// person makes somebody; a balance below 0 means no account and resident insurance.
func (w *world) person(name string, balance int64, birth int32) {
	w.t.Helper()
	cmd := Command{Kind: KindPerson, Person: psn(name), Other: cert(name), Birth: birth, More: &More{}}
	insutype := uint16(390)
	if balance >= 0 {
		cmd.Has, insutype = HasAccount|EvoucherActive, InsutypeEmployee
	}
	cmd.More.Enrolments = []Enrolment{{Insutype: insutype, Status: StatusNormal}}
	w.want(Accepted, cmd)
	if balance > 0 {
		w.want(Accepted, Command{Kind: KindCredit, Person: psn(name), Amount: balance, Source: 1})
	}
}

// move gives a person another area, as an enrolment or a change would.
func (w *world) move(n, area uint32) {
	x := w.state().summary(n)
	x.Area = area
	w.state().setSummary(n, x)
}

// insured pauses an employee's insurance from today on, or makes it normal again.
func (w *world) insured(name string, status uint8) {
	w.t.Helper()
	w.want(Accepted, Command{Kind: KindEnrolment, Person: psn(name), More: &More{Enrolments: []Enrolment{{Insutype: InsutypeEmployee, Status: status, Begin: w.day}}}})
}

// online is a binding through channel 1; counter one with an application through channel 2.
func online(authorizer, user string) Command {
	return Command{Kind: KindBinding, Person: psn(authorizer), Other: cert(user), Relation: 1, Channel: 1, Login: 1, More: &More{}}
}

func counter(authorizer, user string) Command {
	cmd := online(authorizer, user)
	cmd.Channel, cmd.Login, cmd.Steps = 2, 4, StepApplication
	return cmd
}

func (w *world) bind(authorizer, user string) uint32 {
	w.t.Helper()
	return w.want(Accepted, online(authorizer, user)).Number
}

func unbindAll(actor string, numbers ...uint32) Command {
	return Command{Kind: KindUnbinding, Person: psn(actor), Channel: 1, More: &More{Bindings: numbers}}
}

func consentOf(user string, n uint32, accept bool) Command {
	return Command{Kind: KindBindingConsent, Person: psn(user), Binding: n, Accept: accept}
}

func reviewOf(n uint32, accept bool) Command {
	return Command{Kind: KindBindingReview, Binding: n, Accept: accept}
}

func billOf(patient string, amount int64) Command {
	return Command{Kind: KindSettlement, Institution: NewCode([]byte("H1")), Person: psn(patient), Other: cert(patient), UsedFlag: 2,
		Bill: BillInput{Medfee: amount, Inscp: amount}}
}

// stateOf is a binding's state today and why it is suspended.
func (w *world) stateOf(n uint32, state BindingState, why Outcome) {
	w.t.Helper()
	c := w.context()
	if s, o := w.state().BindingOn(&c, n); s != state || o != why {
		w.t.Fatalf("binding %d is %d because of %s, want %d because of %s", n, s, o, state, why)
	}
}

// paid settles a bill and demands what relatives pay of it.
func (w *world) paid(patient string, amount, mulaid int64) Effect {
	w.t.Helper()
	f := w.want(Accepted, billOf(patient, amount))
	if f.Mulaid != mulaid {
		w.t.Fatalf("relatives paid %d fen, want %d", f.Mulaid, mulaid)
	}
	return f
}

func (w *world) balance(name string, want int64) {
	w.t.Helper()
	n, _ := w.state().FindPerson(psn(name))
	if got := w.state().Persons.At(n).Balance; got != want {
		w.t.Fatalf("%s holds %d fen, want %d", name, got, want)
	}
}

// amounts are the legs of the last command.
func (w *world) amounts() string {
	out := ""
	for _, l := range w.legs[At(w.sequence, len(w.fx.List)-1)] {
		out += fmt.Sprintf("%d:%d %+d; ", l.Account.Kind(), l.Account.Number(), l.Amount)
	}
	return out
}
