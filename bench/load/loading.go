package load

import (
	"gongji/engine"
	"gongji/engine/command"
	"gongji/engine/ledger"
	"gongji/engine/sequencer"
)

// chunk is a request of the loader. inFlight of them wait at a time: the engine works while the next is encoded.
const (
	chunk    = sequencer.CommandsPerRequestMax
	inFlight = sequencer.BulkCommandsMax / chunk
)

// loader sends commands in full chunks, in the order in which they are added.
type loader struct {
	e       *engine.Engine
	ring    [inFlight]*sequencer.Request
	sent    [inFlight]bool
	at      int
	refused map[ledger.Outcome]int
}

func newLoader(e *engine.Engine) *loader {
	l := &loader{e: e, refused: map[ledger.Outcome]int{}}
	for i := range l.ring {
		l.ring[i] = sequencer.NewRequest()
	}
	return l
}

func (l *loader) add(cmd *ledger.Command, d *command.Details) error {
	r := l.ring[l.at]
	r.Commands = command.Append(r.Commands, cmd, d)
	if r.Count++; r.Count < chunk {
		return nil
	}
	return l.send()
}

// send submits the open chunk and takes back the oldest one.
func (l *loader) send() error {
	if r := l.ring[l.at]; r.Count > 0 {
		r.Class = sequencer.Bulk
		if err := l.e.Submit(r); err != nil {
			return err
		}
		l.sent[l.at] = true
	}
	l.at = (l.at + 1) % inFlight
	return l.take(l.at)
}

func (l *loader) take(i int) error {
	if !l.sent[i] {
		return nil
	}
	r := l.ring[i]
	if err := l.e.Wait(r); err != nil {
		return err
	}
	if r.Err != nil {
		return r.Err
	}
	for k := range r.Results {
		if o := r.Results[k].Effect.Outcome; o != ledger.Accepted {
			l.refused[o]++
		}
	}
	r.Reset()
	l.sent[i] = false
	return nil
}

// flush waits for all that was added.
func (l *loader) flush() error {
	for range inFlight {
		if err := l.send(); err != nil {
			return err
		}
	}
	return nil
}

// Load puts the world into an engine: institutions, persons, bindings, opening credits. It returns the refusals, which should be none.
func (w *World) Load(e *engine.Engine) (map[ledger.Outcome]int, error) {
	l := newLoader(e)
	for _, part := range [...]func(*loader) error{w.addInstitutions, w.addPersons, w.addBindings, (*loader).flush, w.addCredits, (*loader).flush} {
		if err := part(l); err != nil {
			return nil, err
		}
	}
	return l.refused, nil
}

func (w *World) addInstitutions(l *loader) error {
	cmd := ledger.Command{Kind: ledger.KindInstitutionAdd, Area: w.area(0), More: &ledger.More{}}
	for i := range w.Institutions {
		cmd.Institution, cmd.InstitutionOf = code(i), institutionType(i)
		if err := l.add(&cmd, &command.Details{}); err != nil {
			return err
		}
	}
	return nil
}

func (w *World) addPersons(l *loader) error {
	var number [20]byte // a psn_no
	cmd := ledger.Command{Kind: ledger.KindPerson, More: &ledger.More{Enrolments: make([]ledger.Enrolment, 1)}}
	for i := range w.Persons {
		for at, n := len(number)-1, i; at >= 0; at, n = at-1, n/10 {
			number[at] = '0' + byte(n%10)
		}
		cmd.Person, cmd.Other, cmd.Area, cmd.Birth, cmd.Has = personKey(i), pseudonym(i), w.area(i), int32(i%20_000), 0
		if w.has(i, isOwner) {
			cmd.Has |= ledger.HasAccount
		}
		if w.has(i, hasVoucher) {
			cmd.Has |= ledger.EvoucherActive
		}
		cmd.More.Enrolments[0] = w.enrolment(i)
		if err := l.add(&cmd, &command.Details{Text: number[:]}); err != nil {
			return err
		}
	}
	return nil
}

func (w *World) enrolment(i int) ledger.Enrolment {
	x := ledger.Enrolment{Insutype: 390, Status: ledger.StatusNormal, Area: w.area(i), Begin: 18_000, PsnType: 15}
	if w.has(i, isEmployee) {
		x.Insutype, x.PsnType = ledger.InsutypeEmployee, 11
		if !w.has(i, isOwner) {
			x.Flexible = 1
		}
	}
	if w.has(i, isPaused) {
		x.Status = 2
	}
	return x
}

func (w *World) addBindings(l *loader) error {
	cmd := bindingCommand()
	for i := range w.Persons {
		for _, a := range w.authorizers(i) {
			cmd.Person, cmd.Other = personKey(int(a)), pseudonym(i)
			if err := l.add(&cmd, &command.Details{}); err != nil {
				return err
			}
		}
	}
	return nil
}

// bindingCommand lacks the two persons. The relation does not matter to money: the same near one for all.
func bindingCommand() ledger.Command {
	return ledger.Command{Kind: ledger.KindBinding, Relation: 5, Channel: 1, Login: 1, Steps: ledger.StepDataConsent,
		More: &ledger.More{Commitment: engine.Hubei.Commitment}}
}

// addCredits are money commands by themselves, so that they may run over shards.
func (w *World) addCredits(l *loader) error {
	cmd := ledger.Command{Kind: ledger.KindCredit, Source: 2}
	for i, fen := range w.opening {
		if fen == 0 {
			continue
		}
		cmd.Person, cmd.Amount = personKey(i), fen
		if err := l.add(&cmd, &command.Details{}); err != nil {
			return err
		}
	}
	return nil
}
