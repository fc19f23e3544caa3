package rest

import (
	"bytes"
	"encoding/hex"
	"slices"
	"strconv"

	"gongji/api"
	"gongji/api/ids"
	"gongji/api/strictjson"
	"gongji/engine"
	"gongji/engine/ledger"
)

// eventNames are the kinds of event by command; commands without one are not told: genesis and ticks mean nothing outside. A new command of the
// ledger needs a line here or in a test's list of silent ones.
var eventNames = map[ledger.Kind]string{
	ledger.KindPolicy: "policy", ledger.KindDayKey: "day_key", ledger.KindDayKeyPublish: "day_key_published", ledger.KindPerson: "person",
	ledger.KindEnrolment: "enrolment", ledger.KindInstitutionAdd: "institution", ledger.KindCredit: "credit", ledger.KindRunOpen: "run_opened",
	ledger.KindRunClose: "run_closed", ledger.KindBinding: "binding", ledger.KindUnbinding: "unbinding", ledger.KindSettlement: "settlement",
	ledger.KindReversalByID: "reversal", ledger.KindReversalByMessage: "reversal", ledger.KindFamilyOpen: "family", ledger.KindAllocation: "allocation",
	ledger.KindClockConfirm: "clock_confirmed", ledger.KindPremium: "premium", ledger.KindPremiumRefund: "premium_refund", ledger.KindAccountDebit: "account_debit",
	ledger.KindBindingConsent: "binding_consent", ledger.KindBindingReview: "binding_review", ledger.KindBindingWithdraw: "binding_withdrawal",
	ledger.KindForcedUnbinding: "forced_unbinding", ledger.KindDebitOrder: "debit_order", ledger.KindFamilyDissolution: "family_dissolution",
	ledger.KindFreeze: "freeze", ledger.KindPassword: "password", ledger.KindCredential: "credential", ledger.KindPersonChange: "person_change",
	ledger.KindVisitOpen: "visit", ledger.KindVisitCancel: "visit_cancel", ledger.KindVisitChange: "visit_change", ledger.KindLinesAdd: "fee_lines",
	ledger.KindLinesRemove: "fee_lines_removed", ledger.KindDischarge: "discharge", ledger.KindDischargeCancel: "discharge_cancel",
}

// eventsDefault is how many events an answer has at most if the caller does not say; engine.EventsMax is the most he may say.
const eventsDefault = 100

// eventsQuery is what is asked.
type eventsQuery struct {
	after ledger.Position
	kinds map[ledger.Kind]bool
	limit int
}

func readEvents(c *api.Call) (q eventsQuery, x fault) {
	values, x := readQuery(c, "after", "kinds", "limit")
	if x.bad() {
		return q, x
	}
	q.limit, q.kinds = eventsDefault, map[ledger.Kind]bool{}
	if v := values[0]; v != nil {
		n, err := ids.ParseEntry(v)
		if q.after = ledger.Position(n); err != nil {
			return q, badValue("after")
		}
	}
	if values[1] == nil {
		for kind := range eventNames {
			q.kinds[kind] = true
		}
	} else {
		for name := range bytes.SplitSeq(values[1], []byte(",")) {
			if !q.addKind(string(name)) {
				return q, badValue("kinds")
			}
		}
	}
	if v := values[2]; v != nil {
		n, err := strconv.ParseUint(string(v), 10, 16)
		if q.limit = int(n); err != nil || n < 1 || n > engine.EventsMax {
			return q, badValue("limit")
		}
	}
	return q, fault{}
}

// addKind asks for the commands of a name; false: there are none.
func (q *eventsQuery) addKind(name string) (found bool) {
	for kind, n := range eventNames {
		if n == name {
			q.kinds[kind], found = true, true
		}
	}
	return found
}

// want takes what was accepted and did something.
func (q *eventsQuery) want(f *ledger.Effect, fx *ledger.Effects) bool {
	if f.Outcome != ledger.Accepted && f.Outcome != ledger.VisitUndone || !q.kinds[eventKind(f)] {
		return false
	}
	return f.Kind != ledger.KindUnbinding || slices.ContainsFunc(fx.ItemsOf(f), unbound)
}

// eventKind is the command that an effect is told as: an opening reversed by its message is a visit cancelled.
func eventKind(f *ledger.Effect) ledger.Kind {
	if f.Outcome == ledger.VisitUndone {
		return ledger.KindVisitCancel
	}
	return f.Kind
}

func unbound(i ledger.Item) bool { return i.Outcome == ledger.Accepted }

// events is GET /v1/events: what was accepted, in the order of the log, for app notices and other systems (R28: no name, no number but psn_no).
// Who has an answer asks again after its next; the same question gets the same events for ever, and then newer ones.
func (f *face) events(c *api.Call) {
	q, x := readEvents(c)
	if x.bad() {
		c.Fail(x.problem())
		return
	}
	feed, err := f.engine.Events(q.after, q.limit, q.want)
	if err != nil {
		c.Fail(api.Problem{Code: api.CodeUnavailable})
		return
	}
	who, p := f.peopleOf(feed.Entries)
	if p.Code != "" {
		c.Fail(p)
		return
	}
	a := &c.Out
	a.Begin()
	a.ArrayKey("events")
	for i := range feed.Entries {
		if err := f.appendEvent(a, &feed.Entries[i], &who); err != nil {
			c.Fail(api.Problem{Code: api.CodeUnavailable})
			return
		}
	}
	a.EndArray()
	a.String("next", idText(ids.Entry, uint64(feed.Next)))
	a.Bool("more", feed.More)
	a.Uint("sequence", feed.Newest)
	a.End()
	if len(feed.Entries) > 0 {
		c.FullView(idText(ids.Entry, uint64(feed.Next)))
	}
	c.OK(200)
}

// involved are the numbers of whom the entries of one answer are about.
type involved struct {
	persons  map[ledger.Key]uint32
	bindings map[uint32]ledger.Binding
	creators map[uint32]uint32 // of families
}

// isOfBinding reports whether accepted commands of a kind are about one binding, their Number.
func isOfBinding(k ledger.Kind) bool {
	switch k {
	case ledger.KindBinding, ledger.KindBindingConsent, ledger.KindBindingReview, ledger.KindBindingWithdraw, ledger.KindForcedUnbinding:
		return true
	}
	return false
}

// peopleOf looks up what effects name by number and commands by key, in one question: at most engine.EventsMax persons and their bindings.
func (f *face) peopleOf(entries []engine.Entry) (w involved, p api.Problem) {
	w = involved{persons: map[ledger.Key]uint32{}, bindings: map[uint32]ledger.Binding{}, creators: map[uint32]uint32{}}
	p = f.ask(func(v engine.View) {
		for i := range entries {
			e := &entries[i]
			if n, found := v.State.FindPerson(e.Command.Person); found {
				w.persons[e.Command.Person] = n
			}
			if isOfBinding(e.Effect.Kind) {
				w.bindings[e.Effect.Number] = *v.State.Bindings.At(e.Effect.Number)
			}
			for _, item := range e.Items {
				if unbound(item) {
					w.bindings[item.Binding] = *v.State.Bindings.At(item.Binding)
				}
			}
			for _, l := range e.Legs {
				if l.Account.Kind() == ledger.KindFamily {
					w.creators[l.Account.Number()] = v.State.Families.At(l.Account.Number()).Creator
				}
			}
		}
	})
	return w, p
}

// appendPsn writes a person's psn_no.
func (f *face) appendPsn(a *strictjson.Appender, field string, number uint32) error {
	r, err := f.record(number)
	if err == nil {
		a.Bytes(field, r.PsnNo)
	}
	return err
}

func (f *face) appendEvent(a *strictjson.Appender, e *engine.Entry, who *involved) error {
	a.Begin()
	a.String("id", idText(ids.Entry, uint64(e.Position)))
	a.String("kind", eventNames[eventKind(&e.Effect)])
	a.Uint("sequence", e.Position.Sequence())
	a.Time("time", e.TimeMS)
	if number, found := who.persons[e.Command.Person]; found {
		if err := f.appendPsn(a, "psn_no", number); err != nil {
			return err
		}
	}
	if err := f.appendWhat(a, e, who); err != nil {
		return err
	}
	a.End()
	return nil
}

// appendWhat writes what belongs to one kind of event only.
func (f *face) appendWhat(a *strictjson.Appender, e *engine.Entry, who *involved) error {
	cmd := &e.Command
	switch eventKind(&e.Effect) {
	case ledger.KindSettlement, ledger.KindReversalByID, ledger.KindReversalByMessage:
		return f.appendPaid(a, e, who)
	case ledger.KindCredit:
		a.Amount("amount", cmd.Amount)
		if s := int(e.Effect.Source); s <= len(sourceNames) { // others cannot be sent here
			a.String("source", sourceNames[s-1])
		}
	case ledger.KindAllocation:
		a.Amount("amount", cmd.Amount)
	case ledger.KindBinding, ledger.KindBindingConsent, ledger.KindBindingReview, ledger.KindBindingWithdraw, ledger.KindForcedUnbinding: // isOfBinding
		a.String("state", stateNames[e.Effect.Source-1])
		return f.appendPair(a, e.Effect.Number, who)
	case ledger.KindUnbinding:
		a.ArrayKey("bindings")
		for _, item := range e.Items {
			if unbound(item) {
				a.Begin()
				if err := f.appendPair(a, item.Binding, who); err != nil {
					return err
				}
				a.End()
			}
		}
		a.EndArray()
	case ledger.KindInstitutionAdd:
		a.Bytes("fixmedins_code", cmd.Institution.Bytes())
	case ledger.KindPolicy:
		a.Uint("version", uint64(cmd.More.Policy.Version))
		a.Time("effective_from", max(cmd.More.Policy.EffectiveFrom, e.TimeMS)) // 0: at once
	case ledger.KindDayKey:
		a.Date("day", dateOf(cmd.Day))
		a.String("key_hash", hex.EncodeToString(cmd.More.Hash[:]))
	case ledger.KindDayKeyPublish:
		a.Date("day", dateOf(cmd.Day))
		a.String("key", hex.EncodeToString(cmd.More.Key[:]))
	}
	return nil
}

// appendPair writes a binding and its two people.
func (f *face) appendPair(a *strictjson.Appender, number uint32, who *involved) error {
	b := who.bindings[number]
	a.String("binding_id", idText(ids.Binding, uint64(number)))
	if err := f.appendPsn(a, "authorizer_psn_no", b.Authorizer); err != nil {
		return err
	}
	return f.appendPsn(a, "user_psn_no", b.User)
}

// appendPaid writes a settlement or its undoing, and of whose money it was: notices go to them too.
func (f *face) appendPaid(a *strictjson.Appender, e *engine.Entry, who *involved) error {
	if e.Effect.Kind == ledger.KindSettlement {
		a.String("setl_id", idText(ids.Settlement, uint64(e.Position)))
	} else {
		a.String("reversal_id", idText(ids.Reversal, uint64(e.Position)))
		a.String("setl_id", idText(ids.Settlement, uint64(e.Effect.First)))
	}
	a.Bytes("fixmedins_code", e.Command.Institution.Bytes())
	a.Amount("acct_pay", e.Effect.AcctPay())
	a.Amount("acct_mulaid_pay", e.Effect.Mulaid)
	a.ArrayKey("payers")
	for _, l := range e.Legs {
		number := l.Account.Number()
		if l.Account.Kind() == ledger.KindFamily {
			number = who.creators[number]
		}
		a.Begin()
		if err := f.appendPsn(a, "psn_no", number); err != nil {
			return err
		}
		a.String("account", accountNames[l.Account.Kind()])
		a.Amount("amount", max(l.Amount, -l.Amount))
		a.End()
	}
	a.EndArray()
	return nil
}
