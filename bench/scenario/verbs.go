package scenario

import (
	"fmt"
	"strconv"
	"time"

	"gongji/api/money"
	"gongji/engine"
	"gongji/engine/command"
	"gongji/engine/ledger"
)

// verbs are the steps a script may use; each gives the words of its result.
var verbs map[string]func(*Player, *args) ([]string, error)

func init() {
	verbs = map[string]func(*Player, *args) ([]string, error){
		"at": at, "profile": activate, "restart": restart,
		"person": addPerson, "enrol": enrol, "institution": addInstitution, "credit": credit, "balance": balance, "payable": payable,
		"bind": bind, "unbind": unbind, "consent": consent, "review": review, "withdraw": withdraw, "force-unbind": forceUnbind, "order": order, "state": stateOf,
		"family": openFamily, "allocate": allocate, "dissolve": dissolve,
		"settle": settle, "preview": preview, "reverse": reverse, "redo": redo,
		"premium": premium, "refund": refund, "debit": debit,
	}
}

var accepted = []string{ledger.Accepted.String()}

// at 2026-03-10 [14:30]: moves the clock and does what is due then (day keys).
func at(p *Player, a *args) ([]string, error) {
	day, err := a.next()
	if err != nil {
		return nil, err
	}
	hour, err := a.next()
	if err != nil {
		hour = "09:00"
	}
	t, err := time.ParseInLocation("2006-01-02 15:04", day+" "+hour, zone)
	if err != nil {
		return nil, err
	}
	p.clock.wall.Store(t.UnixMilli())
	return accepted, p.engine.Housekeep()
}

// profile gansu [reversible] [pooling]: a shipped profile, effective at once, as a later version; reversible: cancels may be undone (R11); pooling: people
// share within a pooling area only (K14).
func activate(p *Player, a *args) ([]string, error) {
	name, err := a.next()
	if err != nil {
		return nil, err
	}
	rule, err := policyOf(name)
	if err != nil {
		return nil, err
	}
	p.version++
	rule.Version, rule.Hash = p.version, [32]byte{}
	if a.flag("reversible") {
		rule.CancelReversible = 1
	}
	if a.flag("pooling") {
		rule.Territory, rule.Provinces = ledger.InPoolingArea, [2]uint64{}
	}
	return p.plain(&ledger.Command{Kind: ledger.KindPolicy, More: &ledger.More{Policy: rule}}, nil)
}

func restart(p *Player, _ *args) ([]string, error) { return accepted, p.Restart() }

// psnTypeEmployed is psn_type 11, employed.
const psnTypeEmployed = 11

// person NAME employee|resident [flexible] [account] [balance 50.00] [evoucher no] [born 2010-02-28] [area 420100] [from 2020-01-01]
func addPerson(p *Player, a *args) ([]string, error) {
	name, err := a.next()
	if err != nil {
		return nil, err
	}
	key := ledger.K([]byte("person"), []byte(name))
	cmd := &ledger.Command{Kind: ledger.KindPerson, Person: key, Other: pseudonym(name), Area: 420100, Birth: -3000, More: &ledger.More{}}
	e := ledger.Enrolment{Insutype: 390, Status: ledger.StatusNormal, Begin: 18_000}
	if a.flag("employee") {
		e.Insutype, e.PsnType, cmd.Has = ledger.InsutypeEmployee, psnTypeEmployed, ledger.HasAccount|ledger.EvoucherActive
	} else if !a.flag("resident") {
		return nil, fmt.Errorf("employee or resident")
	}
	if a.flag("account") {
		cmd.Has |= ledger.HasAccount
	}
	if a.flag("flexible") {
		e.Flexible = 1
	}
	if a.value("evoucher") == "no" {
		cmd.Has &^= ledger.EvoucherActive
	}
	opening := a.value("balance")
	if err := dates(a, "born", &cmd.Birth, "from", &e.Begin); err != nil {
		return nil, err
	}
	if area := a.value("area"); area != "" {
		n, err := strconv.ParseUint(area, 10, 32)
		if err != nil {
			return nil, err
		}
		cmd.Area = uint32(n)
	}
	e.Area = cmd.Area
	cmd.More.Enrolments = []ledger.Enrolment{e}
	out, err := p.plain(cmd, &command.Details{Text: []byte(name)})
	if err != nil || opening == "" {
		p.persons[name] = key
		return out, err
	}
	p.persons[name] = key
	return creditFen(p, key, opening)
}

// dates reads optional days by name.
func dates(a *args, pairs ...any) error {
	for i := 0; i < len(pairs); i += 2 {
		text := a.value(pairs[i].(string))
		if text == "" {
			continue
		}
		day, err := dayOf(text)
		if err != nil {
			return err
		}
		*pairs[i+1].(*int32) = day
	}
	return nil
}

func dayOf(text string) (int32, error) {
	t, err := time.ParseInLocation("2006-01-02", text, zone)
	return ledger.DayOf(t.UnixMilli()), err
}

// enrol NAME employee|resident [flexible] normal|paused|ended|dead|moved from 2026-03-01
func enrol(p *Player, a *args) ([]string, error) {
	key, err := p.nextPerson(a)
	if err != nil {
		return nil, err
	}
	e := ledger.Enrolment{Insutype: 390, Status: ledger.StatusNormal, Area: 420100}
	if a.flag("employee") {
		e.Insutype, e.PsnType = ledger.InsutypeEmployee, psnTypeEmployed
	} else {
		a.flag("resident")
	}
	if a.flag("flexible") {
		e.Flexible = 1
	}
	switch {
	case a.flag("paused"):
		e.Status = 2
	case a.flag("ended"):
		e.Status = 4
	default:
		a.flag("normal")
	}
	for reason, name := range map[ledger.Reason]string{ledger.ReasonDead: "dead", ledger.ReasonMoved: "moved"} {
		if a.flag(name) {
			e.Status, e.Reason = 4, reason
		}
	}
	if err := dates(a, "from", &e.Begin); err != nil {
		return nil, err
	}
	return p.plain(&ledger.Command{Kind: ledger.KindEnrolment, Person: key, More: &ledger.More{Enrolments: []ledger.Enrolment{e}}}, nil)
}

// institution NAME type 2
func addInstitution(p *Player, a *args) ([]string, error) {
	name, err := a.next()
	if err != nil {
		return nil, err
	}
	kind, err := strconv.ParseUint(a.value("type"), 10, 8)
	if err != nil {
		return nil, err
	}
	code := ledger.NewCode([]byte(name))
	p.institutions[name] = code
	return p.plain(&ledger.Command{Kind: ledger.KindInstitutionAdd, Institution: code, InstitutionOf: uint8(kind), Area: 420100}, &command.Details{Text: []byte(name)})
}

func (p *Player) nextPerson(a *args) (ledger.Key, error) {
	name, err := a.next()
	if err != nil {
		return ledger.Key{}, err
	}
	return p.person(name)
}

func creditFen(p *Player, key ledger.Key, text string) ([]string, error) {
	fen, err := money.Parse(text)
	if err != nil {
		return nil, err
	}
	return p.plain(&ledger.Command{Kind: ledger.KindCredit, ID: p.id(), Person: key, Amount: fen, Source: 1}, nil)
}

// credit NAME 100.00
func credit(p *Player, a *args) ([]string, error) {
	key, err := p.nextPerson(a)
	if err != nil {
		return nil, err
	}
	text, err := a.next()
	if err != nil {
		return nil, err
	}
	return creditFen(p, key, text)
}

func yuan(fen int64) string { return string(money.Append(nil, fen)) }

// balance NAME | balance family of NAME -> 100.00
func balance(p *Player, a *args) ([]string, error) {
	family := a.flag("family")
	if family {
		a.flag("of")
	}
	key, err := p.nextPerson(a)
	if err != nil {
		return nil, err
	}
	var fen int64
	err = p.see(func(v engine.View) error {
		n, _ := v.State.FindPerson(key)
		row := v.State.Persons.At(n)
		fen = row.Balance
		if family {
			in := v.State.FamilyOf(n)
			if in == 0 {
				return fmt.Errorf("is in no family")
			}
			fen = v.State.Families.At(in - 1).Balance
		}
		return nil
	})
	return []string{yuan(fen)}, err
}

// payable NAME -> 100.00: what the insurance owes an institution.
func payable(p *Player, a *args) ([]string, error) {
	name, err := a.next()
	if err != nil {
		return nil, err
	}
	code := p.institutions[name]
	var fen int64
	err = p.see(func(v engine.View) error {
		n, found := v.State.FindInstitution(&code)
		if !found {
			return fmt.Errorf("no institution %q", name)
		}
		fen = v.State.Institutions.At(n).Payable
		return nil
	})
	return []string{yuan(fen)}, err
}

// bill reads the amounts of a settlement by short names.
func bill(a *args, b *ledger.BillInput) error {
	for name, at := range map[string]*int64{"inscp": &b.Inscp, "preself": &b.Preselfpay, "overlmt": &b.Overlmt, "fulamt": &b.Fulamt, "fund": &b.Fund, "hosp": &b.HospPart} {
		if text := a.value(name); text != "" {
			fen, err := money.Parse(text)
			if err != nil {
				return fmt.Errorf("%s: %w", name, err)
			}
			*at = fen
		}
	}
	b.Medfee = b.Inscp + b.Preselfpay + b.Overlmt + b.Fulamt
	if text := a.value("medfee"); text != "" {
		fen, err := money.Parse(text)
		if err != nil {
			return err
		}
		b.Medfee = fen
	}
	return nil
}

// settlement reads PATIENT [at NAME] [amounts] [flag 0] [refuse] [card NAME] [expect 10.00 0.00]
func (p *Player) settlement(a *args) (*ledger.Command, error) {
	patient, err := a.next()
	if err != nil {
		return nil, err
	}
	cmd := &ledger.Command{Kind: ledger.KindSettlement, ID: p.id(), Other: pseudonym(patient), UsedFlag: 1, Institution: p.institutions["pharmacy"]}
	if cmd.Person, err = p.person(patient); err != nil {
		return nil, err
	}
	if err := bill(a, &cmd.Bill); err != nil {
		return nil, err
	}
	if name := a.value("at"); name != "" {
		cmd.Institution = p.institutions[name]
	}
	if name := a.value("card"); name != "" {
		cmd.Other = pseudonym(name)
	}
	if flag := a.value("flag"); flag != "" {
		cmd.UsedFlag = flag[0] - '0'
	}
	cmd.Refuse = a.flag("refuse")
	acct, cash := a.value("expect-acct"), a.value("expect-cash")
	if cmd.HasExpected = acct != ""; cmd.HasExpected {
		if cmd.ExpectedAcct, err = money.Parse(acct); err != nil {
			return nil, err
		}
		if cmd.ExpectedCash, err = money.Parse(cash); err != nil {
			return nil, err
		}
	}
	return cmd, nil
}

func figures(f *ledger.Effect) []string {
	out := []string{f.Outcome.String()}
	if f.Outcome == ledger.Accepted || f.Outcome == ledger.AmountChanged {
		out = append(out, "acct", yuan(f.AcctPay()), "own", yuan(f.Own), "mulaid", yuan(f.Mulaid), "cash", yuan(f.Cash), "balc", yuan(f.Balc))
	}
	return out
}

// settle LABEL PATIENT ...: see settlement. The same label again is the same message again.
func settle(p *Player, a *args) ([]string, error) {
	label, err := a.next()
	if err != nil {
		return nil, err
	}
	cmd, err := p.settlement(a)
	if err != nil {
		return nil, err
	}
	if id, again := p.ids[label]; again {
		cmd.ID = id
	}
	p.ids[label] = cmd.ID
	r, err := p.do(cmd, &command.Details{Message: []byte(label)})
	if err != nil {
		return nil, err
	}
	if r.Effect.Outcome == ledger.Accepted {
		p.positions[label] = r.Position
	}
	return append(figures(&r.Effect), p.legs(r.Position)...), nil
}

// legs tells who paid, in the order of the debits.
func (p *Player) legs(at ledger.Position) []string {
	entry, err := p.engine.Entry(at)
	if err != nil || len(entry.Legs) == 0 {
		return nil
	}
	names := map[uint32]string{}
	_ = p.see(func(v engine.View) error {
		for name, key := range p.persons {
			if n, found := v.State.FindPerson(key); found {
				names[n] = name
			}
		}
		return nil
	})
	out := []string{"legs"}
	for _, l := range entry.Legs {
		name := names[l.Account.Number()]
		if l.Account.Kind() == ledger.KindFamily {
			name = "family"
		}
		out = append(out, name, yuan(-l.Amount))
	}
	return out
}

// preview PATIENT ...: what would be paid; nothing changes.
func preview(p *Player, a *args) ([]string, error) {
	cmd, err := p.settlement(a)
	if err != nil {
		return nil, err
	}
	var f ledger.Effect
	err = p.see(func(v engine.View) (err error) {
		f, err = v.Preview(cmd)
		return err
	})
	return figures(&f), err
}

// reverse LABEL of NAME [message] [as LABEL]: undoes a settlement, by its id or by its message; as names the reversal, for a redo.
func reverse(p *Player, a *args) ([]string, error) {
	label, err := a.next()
	if err != nil {
		return nil, err
	}
	cmd := &ledger.Command{Kind: ledger.KindReversalByID, ID: p.id(), Institution: p.institutions["pharmacy"], Settlement: p.positions[label]}
	if name := a.value("at"); name != "" {
		cmd.Institution = p.institutions[name]
	}
	if cmd.Person, err = p.person(a.value("of")); err != nil {
		return nil, err
	}
	if a.flag("message") {
		cmd.Kind, cmd.Settlement, cmd.Original = ledger.KindReversalByMessage, 0, ledger.OriginalSettlement
		id, known := p.ids[label]
		if !known {
			id = p.id() // the original never arrived: only its id is known
			p.ids[label] = id
		}
		cmd.Other = id
	}
	p.name(cmd, a.value("as"))
	r, err := p.do(cmd, nil)
	out := []string{r.Effect.Outcome.String()}
	if r.Effect.Outcome == ledger.Accepted {
		out = append(out, "acct", yuan(r.Effect.AcctPay()), "balc", yuan(r.Effect.Balc))
	}
	return out, err
}
