package scenario

import (
	"strconv"

	"gongji/api/money"
	"gongji/engine/ledger"
)

// number reads an optional number by name.
func (a *args) number(name string, otherwise uint64) (uint64, error) {
	text := a.value(name)
	if text == "" {
		return otherwise, nil
	}
	return strconv.ParseUint(text, 10, 32)
}

// fen reads the next word as an amount.
func (a *args) fen() (int64, error) {
	text, err := a.next()
	if err != nil {
		return 0, err
	}
	return money.Parse(text)
}

// premium LABEL PAYER INSURED 400.00 [type 1] [year 2027]
func premium(p *Player, a *args) ([]string, error) {
	label, err := a.next()
	if err != nil {
		return nil, err
	}
	cmd := &ledger.Command{Kind: ledger.KindPremium, ID: p.id(), Source: 1}
	if cmd.Person, err = p.nextPerson(a); err != nil {
		return nil, err
	}
	if cmd.Other, err = p.nextPerson(a); err != nil {
		return nil, err
	}
	kind, err := a.number("type", 1)
	if err != nil {
		return nil, err
	}
	year, err := a.number("year", 2027)
	if err != nil {
		return nil, err
	}
	cmd.Source, cmd.Period = uint8(kind), uint32(year)
	if cmd.Amount, err = a.fen(); err != nil {
		return nil, err
	}
	r, err := p.do(cmd, nil)
	if r.Effect.Outcome == ledger.Accepted {
		p.positions[label] = r.Position
	}
	return []string{r.Effect.Outcome.String()}, err
}

// refund LABEL PAYER: a premium back to who paid it.
func refund(p *Player, a *args) ([]string, error) {
	label, err := a.next()
	if err != nil {
		return nil, err
	}
	cmd := &ledger.Command{Kind: ledger.KindPremiumRefund, ID: p.id(), Settlement: p.positions[label]}
	if cmd.Person, err = p.nextPerson(a); err != nil {
		return nil, err
	}
	return p.plain(cmd, nil)
}

// debit NAME 10.00 [reason 1] [same]: money out of an account by two persons of the bureau; "same" is one person twice.
func debit(p *Player, a *args) ([]string, error) {
	cmd := &ledger.Command{Kind: ledger.KindAccountDebit, ID: p.id(), Other: ledger.K([]byte("clerk")), Second: ledger.K([]byte("head"))}
	var err error
	if cmd.Person, err = p.nextPerson(a); err != nil {
		return nil, err
	}
	reason, err := a.number("reason", ledger.DebitCorrection)
	if err != nil {
		return nil, err
	}
	cmd.Source = uint8(reason)
	if a.flag("same") {
		cmd.Second = cmd.Other
	}
	if cmd.Amount, err = a.fen(); err != nil {
		return nil, err
	}
	return p.plain(cmd, nil)
}

// name gives a command a label; one that is known already, because it was named before it came, keeps its message id.
func (p *Player) name(cmd *ledger.Command, label string) {
	if label == "" {
		return
	}
	if id, known := p.ids[label]; known {
		cmd.ID = id
	}
	p.ids[label] = cmd.ID
}

// redo LABEL of NAME [at NAME]: undoes a reversal by its message, also one that has not come yet.
func redo(p *Player, a *args) ([]string, error) {
	label, err := a.next()
	if err != nil {
		return nil, err
	}
	cmd := &ledger.Command{Kind: ledger.KindReversalByMessage, ID: p.id(), Institution: p.institutions["pharmacy"], Original: ledger.OriginalReversal}
	if name := a.value("at"); name != "" {
		cmd.Institution = p.institutions[name]
	}
	if cmd.Person, err = p.person(a.value("of")); err != nil {
		return nil, err
	}
	id, known := p.ids[label]
	if !known {
		id = p.id()
		p.ids[label] = id
	}
	cmd.Other = id
	r, err := p.do(cmd, nil)
	if err != nil {
		return nil, err
	}
	return append(figures(&r.Effect), p.legs(r.Position)...), nil
}
