package rest

import (
	"encoding/hex"
	"errors"
	"math"

	"gongji/api"
	"gongji/api/ids"
	"gongji/api/strictjson"
	"gongji/engine"
	"gongji/engine/journal"
	"gongji/engine/ledger"
)

const (
	// statementPage is how many postings one answer has at most.
	statementPage = 100
	// statementRead is how many postings one call reads at most, also of days that were not asked for; then it answers with a cursor.
	statementRead = journal.StatementLinesMax
)

// entryKinds names the kinds of entry on a personal account.
var entryKinds = map[ledger.Kind]string{
	ledger.KindCredit: "credit", ledger.KindSettlement: "settlement", ledger.KindReversalByID: "reversal",
	ledger.KindReversalByMessage: "reversal", ledger.KindAllocation: "allocation",
	ledger.KindFamilyDissolution: "family_return", ledger.KindUnbinding: "family_return", ledger.KindForcedUnbinding: "family_return", ledger.KindBindingReview: "family_return",
	ledger.KindPremium: "premium", ledger.KindPremiumRefund: "premium_refund", ledger.KindAccountDebit: "account_debit",
}

// redoName is the name of a reversal of a reversal, in statements and events: money goes out again (R11).
const redoName = "redo"

func entryKind(l *journal.Line) string {
	if l.Redo {
		return redoName
	}
	return entryKinds[l.Kind]
}

// statementQuery is what is asked: days from and to, both included, and the posting to begin with (0: the newest).
type statementQuery struct {
	from, to int32
	cursor   ledger.Position
}

func readStatement(c *api.Call) (s statementQuery, x fault) {
	s.from, s.to = math.MinInt32, math.MaxInt32
	values, x := readQuery(c, "from", "to", "cursor")
	if x.bad() {
		return s, x
	}
	ok := true
	if v := values[0]; v != nil {
		if s.from, ok = parseDay(v); !ok {
			return s, badValue("from")
		}
	}
	if v := values[1]; v != nil {
		if s.to, ok = parseDay(v); !ok || s.to < s.from {
			return s, badValue("to")
		}
	}
	if v := values[2]; v != nil {
		n, err := ids.ParseEntry(v)
		if s.cursor = ledger.Position(n); err != nil || n == 0 {
			return s, badValue("cursor")
		}
	}
	return s, fault{}
}

// statement is GET /v1/persons/{psn_no}/statement: entries of the personal account, newest first, with the balance after each; also what others
// paid for a person without an account.
func (f *face) statement(c *api.Call) {
	psnNo, ok := pathPerson(c)
	by := viewerOf(c, viewSelf)
	if !ok || !by.may(seeStatement) {
		c.Fail(notFound("psn_no"))
		return
	}
	s, x := readStatement(c)
	if x.bad() {
		c.Fail(x.problem())
		return
	}
	var number uint32
	var last ledger.Position
	var found bool
	var sequence uint64
	if p := f.ask(func(v engine.View) {
		sequence = v.Sequence
		if number, found = v.State.FindPerson(ledger.K(psnNo)); found {
			last = v.State.Persons.At(number).Last
		}
	}); p.Code != "" {
		c.Fail(p)
		return
	}
	if !found {
		c.Fail(notFound("psn_no"))
		return
	}
	if s.cursor != 0 {
		if last = s.cursor; !f.isEntry(last, number) {
			c.Fail(badValue("cursor").problem())
			return
		}
	}
	lines, next, err := f.engine.Statement(ledger.Account(ledger.KindPersonal, number), last, statementRead)
	if err != nil {
		c.Fail(api.Problem{Code: api.CodeUnavailable})
		return
	}
	c.Out.Begin()
	if err := f.appendStatement(&c.Out, s, by, number, lines, next); err != nil {
		c.Fail(api.Problem{Code: api.CodeUnavailable})
		return
	}
	c.Out.Uint("sequence", sequence)
	c.Out.End()
	if by.may(seeLentBill) {
		c.FullView(f.auditName(psnNo))
	}
	c.OK(200)
}

// auditName is a person's name in the audit log: keyed, so that the log tells no psn_no and two views of one person show as such.
func (f *face) auditName(psnNo []byte) string {
	name := f.engine.Pseudonym("of audit", psnNo)
	return hex.EncodeToString(name[:])
}

// isEntry reports whether a position holds an entry of a person's account: a cursor comes from outside.
func (f *face) isEntry(p ledger.Position, person uint32) bool {
	entry, err := f.engine.Entry(p)
	if err != nil {
		return false
	}
	if entry.Effect.Chained() && entry.Effect.Patient == person {
		return true
	}
	for _, l := range entry.Legs {
		if l.Account == ledger.Account(ledger.KindPersonal, person) {
			return true
		}
	}
	return false
}

// appendStatement writes the lines of the days asked for; next is where the walk stopped.
func (f *face) appendStatement(a *strictjson.Appender, s statementQuery, by viewer, holder uint32, lines []journal.Line, next ledger.Position) error {
	a.ArrayKey("postings")
	n := 0
	for i := range lines {
		day := ledger.DayOf(lines[i].TimeMS)
		if day < s.from {
			next = 0
			break
		}
		if day > s.to {
			continue
		}
		if n >= statementPage && lines[i].Position != lines[i-1].Position { // an entry with two postings is not cut
			next = lines[i].Position
			break
		}
		n++
		if err := f.appendPosting(a, by, &lines[i], holder); err != nil {
			return err
		}
	}
	a.EndArray()
	if next != 0 {
		a.String("cursor", idText(ids.Entry, uint64(next)))
	}
	return nil
}

// appendPosting writes one entry as its viewer may see it (R28, Q3): of his own bill the holder sees institution, settlement, what he paid and what
// others paid for him; of a relative's bill date, member, his money and the kind of institution, and nothing that leads to the bill.
func (f *face) appendPosting(a *strictjson.Appender, by viewer, l *journal.Line, holder uint32) error {
	bill := l.Kind == ledger.KindSettlement || l.Kind.IsReversal()
	lent := bill && l.Patient != holder
	a.Begin()
	a.String("kind", entryKind(l))
	a.Amount("amount", l.Amount)
	a.Amount("balance_after", l.After)
	a.Date("date", dateOf(ledger.DayOf(l.TimeMS)))
	if !lent || by.may(seeLentBill) {
		a.Time("time", l.TimeMS) // to the millisecond it would lead to the bill
	}
	switch {
	case l.Kind == ledger.KindPremium, l.Kind == ledger.KindPremiumRefund:
		if err := f.appendPremiumOf(a, l); err != nil {
			return err
		}
	case !bill:
		a.String("entry_id", idText(ids.Entry, uint64(l.Position)))
	default:
		if err := f.appendBillOf(a, by, l, lent); err != nil {
			return err
		}
	}
	a.End()
	return nil
}

// appendPremiumOf tells the payer whose premium it was and which.
func (f *face) appendPremiumOf(a *strictjson.Appender, l *journal.Line) error {
	member, err := f.record(l.Patient)
	if err != nil {
		return err
	}
	a.Bytes("member_psn_no", member.PsnNo)
	at := l.Position
	if l.Kind == ledger.KindPremiumRefund {
		entry, err := f.engine.Entry(at)
		if err != nil {
			return err
		}
		at = entry.Effect.First
		a.String("entry_id", idText(ids.Entry, uint64(l.Position)))
	}
	a.String("premium_id", idText(ids.Premium, uint64(at)))
	return nil
}

func (f *face) appendBillOf(a *strictjson.Appender, by viewer, l *journal.Line, lent bool) error {
	entry, err := f.engine.Entry(l.Position)
	if err != nil {
		return err
	}
	code := entry.Command.Institution
	place, p := f.placeOf(code)
	if p.Code != "" {
		return errors.New(string(p.Code))
	}
	a.String("fixmedins_type", string('0'+rune(place)))
	if lent {
		member, err := f.record(l.Patient)
		if err != nil {
			return err
		}
		a.Bytes("member_psn_no", member.PsnNo)
		if !by.may(seeLentBill) {
			return nil
		}
	}
	a.Bytes("fixmedins_code", code.Bytes())
	if l.Kind == ledger.KindSettlement {
		a.String("setl_id", idText(ids.Settlement, uint64(l.Position)))
	} else {
		a.String("reversal_id", idText(ids.Reversal, uint64(l.Position)))
		a.String("setl_id", idText(ids.Settlement, uint64(entry.Effect.First)))
	}
	a.Amount("acct_pay", entry.Effect.AcctPay())
	a.Amount("acct_mulaid_pay", entry.Effect.Mulaid)
	return nil
}
