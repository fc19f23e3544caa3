package main

import (
	"context"
	"crypto/rand"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"strings"
	"time"

	"gongji/api/drawproof"
	"gongji/bench/province"
)

// stage is where the story is played: one server, its people, and what differed so far. One goroutine.
type stage struct {
	out             io.Writer
	business, admin *client
	house           *house // nil: somebody else's server
	province        *province.Province
	people          map[string]*actor
	places          map[string]place
	zone            *time.Location
	run             string // begins all message ids of this run
	messages        int
	differences     []string
	draws           []drawSeen
	book            []ownLine // of bookPlace
}

// drawSeen is a settlement of several relatives whose draw is recomputed after midnight.
type drawSeen struct {
	setlID, keyHash string
	who             []string // the relatives in binding order
	before, paid    []fen    // of each
}

// newStage makes a stage whose calls end when ctx does.
func newStage(ctx context.Context, out io.Writer, business, admin string, p *province.Province, h *house) *stage {
	var tag [4]byte
	rand.Read(tag[:])
	s := &stage{out: out, business: newClient(business), admin: newClient(admin), house: h, province: p, people: cast(), places: places(p),
		zone: beijing, run: "D" + hex.EncodeToString(tag[:])}
	s.business.ctx, s.admin.ctx = ctx, ctx
	return s
}

// beijing is the zone of the ledger's days (api.md).
var beijing = time.FixedZone("+08:00", 8*3600)

func (s *stage) close() {
	s.business.close()
	s.admin.close()
}

// msgid is a message id that no other run has.
func (s *stage) msgid() string {
	s.messages++
	return fmt.Sprintf("%s-%06d", s.run, s.messages)
}

func (s *stage) say(format string, args ...any) { fmt.Fprintf(s.out, format+"\n", args...) }

func (s *stage) head(title string) { s.say("\n== %s", title) }

// must records a difference unless ok.
func (s *stage) must(ok bool, format string, args ...any) {
	if !ok {
		text := fmt.Sprintf(format, args...)
		s.differences = append(s.differences, text)
		s.say("   DIFFERS  %s", text)
	}
}

func (s *stage) same(what string, got, want fen) {
	s.must(got == want, "%s is %s, should be %s", what, got, want)
}

// clock moves the in-process server's clock to a time of day; on another server the clock is its own.
func (s *stage) clock(at string) string {
	if s.house == nil {
		return time.Now().In(s.zone).Format("15:04")
	}
	s.house.clock.moveTo(at)
	return at
}

// order is a visit as a request.
func (s *stage) order(v *visit) order {
	p := s.people[v.patient]
	return order{Msgid: s.msgid(), Code: s.places[v.place].code, PsnNo: p.psnNo, CertType: "02", CertNo: p.certno, MedType: v.med, Insutype: p.insured,
		bill: v.bill, Opter: "D001", OpterName: "演示收费员"}
}

const pathSettlements = "/v1/settlements"

// balances reads the accounts of the people a visit may touch: the patient and who shares with him, in binding order.
func (s *stage) balances(patient string) (who []string, have []fen, err error) {
	who = []string{patient}
	for _, b := range shares {
		if b.user == patient {
			who = append(who, b.authorizer)
		}
	}
	for _, w := range who {
		b, err := s.balance(w)
		if err != nil {
			return nil, nil, err
		}
		have = append(have, b)
	}
	return who, have, nil
}

// play settles a visit, works out from the balances who paid, tells it and compares with what should have come.
func (s *stage) play(v *visit) (*settled, error) {
	s.announce(v)
	for try := 1; ; try++ {
		o := s.order(v)
		a, paid, err := s.settle(v, &o)
		if err != nil {
			return nil, fmt.Errorf("%s: %w", v.key, err)
		}
		if !v.redraw || samePayments(paid, v.pays) || try == redrawMax {
			if try > 1 {
				s.say("       (who is asked first is drawn: cancelled and settled anew, the amounts of the example came up at try %d)", try)
			}
			s.tell(v, a, paid)
			return a, s.compare(v, a, paid)
		}
		s.same(v.key+" acct_mulaid_pay", a.Aid, v.aid())
		if err := s.cancel(&o, a.ID, "演示：重新抽取"); err != nil {
			return nil, err
		}
	}
}

func (s *stage) announce(v *visit) {
	s.say("\n%s  %s: %s", s.clock(v.at), v.key, s.places[v.place].name)
	s.say("       %s: %s", s.people[v.patient].name, v.title)
	s.say("       bill %s, the fund pays %s, the person %s", v.bill.Medfee, v.bill.Fund, v.bill.Medfee-v.bill.Fund)
}

// redrawMax bounds the repetitions: two orders of six; all others a hundred times in a row have probability 10^-18.
const redrawMax = 100

// settle sends one settlement and finds in the balances who paid.
func (s *stage) settle(v *visit, o *order) (*settled, []payment, error) {
	who, before, err := s.balances(v.patient)
	if err != nil {
		return nil, nil, err
	}
	a := &settled{}
	if _, err := s.business.post(pathSettlements, o, a); err != nil {
		return nil, nil, err
	}
	_, after, err := s.balances(v.patient)
	if err != nil {
		return nil, nil, err
	}
	s.note(o.Code, &ownLine{Msgid: o.Msgid, SetlID: a.ID, Refund: "0", Fee: o.Medfee, Fund: o.Fund, Acct: a.Acct, Cash: a.Cash})
	if v.redraw {
		if err := s.keepDraw(a.ID, who[1:], before[1:], after[1:]); err != nil {
			return nil, nil, err
		}
	}
	return a, paidBy(who, before, after, v.pays), nil
}

// keepDraw remembers a draw, with the hash of the day key as it is told today: the key itself nobody outside can know yet.
func (s *stage) keepDraw(setlID string, who []string, before, after []fen) error {
	var p drawproof.Proof
	if err := s.business.get(pathSettlements+"/"+setlID+"/draw", &p); err != nil {
		return err
	}
	s.must(p.Key == nil, "the day key of %s is told before the day is over", p.Day)
	d := drawSeen{setlID: setlID, keyHash: p.KeyHash, who: who, before: before}
	for i := range who {
		d.paid = append(d.paid, before[i]-after[i])
	}
	s.draws = append(s.draws, d)
	return nil
}

// paidBy lists who paid: the patient first, the rest as hoped for where the accounts bear it (balances show amounts, not their order).
func paidBy(who []string, before, after []fen, hoped []payment) []payment {
	var paid []payment
	take := func(name string) {
		for i, w := range who {
			if w == name && before[i] != after[i] {
				paid = append(paid, payment{w, before[i] - after[i]})
			}
		}
	}
	done := map[string]bool{}
	for _, h := range hoped {
		take(h.who)
		done[h.who] = true
	}
	for _, w := range who {
		if !done[w] {
			take(w)
		}
	}
	return paid
}

func samePayments(a, b []payment) bool {
	if len(a) != len(b) {
		return false
	}
	for i := range a {
		if a[i] != b[i] {
			return false
		}
	}
	return true
}

// cancel reverses a settlement by its id.
func (s *stage) cancel(o *order, setlID, reason string) error {
	id := s.msgid()
	_, err := s.business.post(pathSettlements+"/"+setlID+"/reversal", map[string]any{"msgid": id, "fixmedins_code": o.Code, "psn_no": o.PsnNo,
		"opter": "D001", "reason": reason}, nil)
	if err == nil {
		s.noteRefund(id, setlID)
	}
	return err
}

// tell prints who paid what.
func (s *stage) tell(v *visit, a *settled, paid []payment) {
	for _, p := range paid {
		from := "shared by " + s.people[p.who].name
		if p.who == v.patient {
			from = "own account"
		}
		s.say("     %10s  %s", p.amount, from)
	}
	s.say("     %10s  cash", a.Cash)
	s.say("       answered: acct_pay %s, acct_mulaid_pay %s, psn_cash_pay %s, balc %s, setl_id %s", a.Acct, a.Aid, a.Cash, a.Balc, a.ID)
}

// compare holds a settlement against what it must be.
func (s *stage) compare(v *visit, a *settled, paid []payment) error {
	s.same(v.key+" acct_pay", a.Acct, v.acct())
	s.same(v.key+" acct_mulaid_pay", a.Aid, v.aid())
	s.same(v.key+" psn_cash_pay", a.Cash, v.cash)
	s.same(v.key+" psn_part_amt", a.Person, v.bill.Medfee-v.bill.Fund)
	s.must(samePayments(paid, v.pays), "%s was paid by %s, should be %s", v.key, s.list(paid), s.list(v.pays))
	return s.compareLeft(v)
}

func (s *stage) compareLeft(v *visit) error {
	for who, want := range v.left {
		have, err := s.balance(who)
		if err != nil {
			return err
		}
		s.same(v.key+": balance of "+s.people[who].name, have, want)
	}
	return nil
}

func (s *stage) list(paid []payment) string {
	var parts []string
	for _, p := range paid {
		parts = append(parts, s.people[p.who].name+" "+p.amount.String())
	}
	return strings.Join(parts, ", ")
}

// balance is the personal account of one of the cast, 0.00 without one.
func (s *stage) balance(who string) (fen, error) {
	var p personAnswer
	err := s.admin.get("/v1/persons/"+s.people[who].psnNo, &p)
	return p.personal(), err
}

// personAnswer is the answer of GET /v1/persons/{psn_no} as far as it is used here.
type personAnswer struct {
	Accounts []struct {
		Kind string `json:"kind"`
		Balc fen    `json:"balc"`
	} `json:"accounts"`
}

func (p *personAnswer) personal() fen {
	for _, a := range p.Accounts {
		if a.Kind == "personal" {
			return a.Balc
		}
	}
	return 0
}

// refused expects the problem named code.
func (s *stage) refused(what string, err error, code string) error {
	p := (*problem)(nil)
	if err != nil && !errors.As(err, &p) {
		return err
	}
	if err == nil {
		s.must(false, "%s was accepted, should be refused as %s", what, code)
		return nil
	}
	s.say("     refused   %d %s: %s", p.Status, p.Code, p.Title)
	s.must(p.Code == code, "%s was refused as %s, should be %s", what, p.Code, code)
	return nil
}
