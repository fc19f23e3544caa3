package main

import (
	"bufio"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"net"
	"net/http"
	"strings"
	"time"
)

// scene is one act of the story.
type scene struct {
	title string
	play  func(*stage) error
}

// scenes of the whole demo, in order.
var scenes = []scene{
	{"The people: accounts and who shares with whom", (*stage).appear},
	{"The worked figures (decisions.md X1, X1b, X2, X3)", playAll(worked...)},
	{"A day over three pooling areas", playAll(ownTwoAndCash, ownOnly)},
	{"A relative's card is refused, her own is not", (*stage).cards},
	{"A part is returned: cancel and a new settlement", (*stage).partReturned},
	{"Lost answers", (*stage).lostAnswers},
	{"The same message again", (*stage).sameMessage},
	{"The month's credit run", (*stage).credits},
	{"The day's bills of the province", (*stage).provinceDay},
	{"Midnight: the day key is published and every draw can be recomputed", (*stage).midnight},
	{"The day is closed, compared and paid out", (*stage).clearing},
	{"The proof", (*stage).proof},
}

func playAll(visits ...visit) func(*stage) error {
	return func(s *stage) error {
		for i := range visits {
			if _, err := s.play(&visits[i]); err != nil {
				return err
			}
		}
		return nil
	}
}

// castOrder is the order in which the cast appears, the same in every run (a map has none).
func (s *stage) castOrder() []string {
	seen, order := map[string]bool{}, []string{}
	add := func(who string) {
		if !seen[who] {
			seen[who] = true
			order = append(order, who)
		}
	}
	for _, b := range shares {
		add(b.user)
		add(b.authorizer)
	}
	for _, who := range []string{"tangyue", "guojing", "majian", "fangning"} {
		add(who)
	}
	return order
}

// appear puts the cast into the ledger: persons, opening balances, bindings made at a counter.
func (s *stage) appear() error {
	serial := uint64(time.Now().UnixMilli())
	for i, who := range s.castOrder() {
		a := s.people[who]
		a.number(serial + uint64(i))
		if _, err := s.admin.post("/v1/persons", a.person(), nil); err != nil {
			return fmt.Errorf("person %s: %w", who, err)
		}
		account := "no account"
		if a.account {
			account = "account " + a.opening.String()
		}
		s.say("  %-24s insured in %s, %s", a.name, areaLabels[a.area], account)
		if a.opening > 0 {
			if err := s.credit(a, a.opening); err != nil {
				return err
			}
		}
	}
	for _, b := range shares {
		from, to := s.people[b.authorizer], s.people[b.user]
		if _, err := s.business.post("/v1/bindings", binding(s.msgid(), from, to, b.relation, s.now()), nil); err != nil {
			return fmt.Errorf("binding of %s: %w", b.authorizer, err)
		}
		s.say("  %s shares with %s", from.name, to.name)
	}
	return nil
}

// now is the story's time.
func (s *stage) now() time.Time {
	if s.house == nil {
		return time.Now().In(s.zone)
	}
	return time.UnixMilli(s.house.clock.Wall()).In(s.zone)
}

func (s *stage) credit(a *actor, amount fen) error {
	_, err := s.admin.post("/v1/credits", map[string]any{"msgid": s.msgid(), "psn_no": a.psnNo, "amount": amount, "source": "opening",
		"business_date": s.now().Format(time.DateOnly)}, nil)
	return err
}

// cards: nobody pays with a relative's card (I3); the relative's account pays for the patient's own.
func (s *stage) cards() error {
	v := wrongCard
	s.announce(&v)
	o := s.order(&v)
	o.CertNo = s.people["xuwen"].certno
	_, err := s.business.post(pathSettlements, o, nil)
	if err := s.refused(v.key, err, "relatives_credential"); err != nil {
		return err
	}
	_, err = s.play(&rightCard)
	return err
}

// partReturned: there is no partial reversal; the whole bill is cancelled and the rest settled anew.
func (s *stage) partReturned() error {
	first, err := s.play(&boughtAll)
	if err != nil {
		return err
	}
	p := s.people[boughtAll.patient]
	s.say("\n%s  one pack comes back, unopened: the whole bill is cancelled", s.clock("14:00"))
	if err := s.cancel(&order{Code: s.places[boughtAll.place].code, PsnNo: p.psnNo}, first.ID, "退药"); err != nil {
		return err
	}
	have, err := s.balance(boughtAll.patient)
	if err != nil {
		return err
	}
	s.say("     %10s  back on the account it came from, %s", first.Acct, p.name)
	s.same("balance after the cancel", have, p.opening)
	_, err = s.play(&keptRest)
	return err
}

// lostAnswers: an answer that never came, and a reversal that came first.
func (s *stage) lostAnswers() error {
	s.announce(&lostAnswer)
	o := s.order(&lostAnswer)
	if err := s.sendAndHangUp(&o); err != nil {
		return err
	}
	state, err := s.ask(&o, "settled")
	if err != nil {
		return err
	}
	s.say("       the till does not know. It asks by its own message id: %s, acct_pay %s", state.State, state.Acct)
	s.must(state.State == "settled", "state of the lost answer is %s, should be settled", state.State)
	if err := s.compare(&lostAnswer, &state.settled, []payment{{lostAnswer.patient, state.Acct}}); err != nil {
		return err
	}
	return s.overtaking()
}

// fate is the answer of GET /v1/settlements?fixmedins_code=&msgid= (R9).
type fate struct {
	State string `json:"state"`
	settled
}

// ask asks what became of a message until it is in the wanted state: never_seen is not final, the message may still be on its way.
func (s *stage) ask(o *order, want string) (f fate, err error) {
	const tries, pause = 100, 20 * time.Millisecond
	for range tries {
		if err = s.business.get(pathSettlements+"?fixmedins_code="+o.Code+"&msgid="+o.Msgid, &f); err != nil || f.State == want {
			break
		}
		time.Sleep(pause)
	}
	return f, err
}

// sendAndHangUp sends a settlement and closes the connection without reading a byte of the answer.
func (s *stage) sendAndHangUp(o *order) error {
	body, err := json.Marshal(o)
	if err != nil {
		return err
	}
	host := strings.TrimPrefix(s.business.base, "http://")
	conn, err := net.Dial("tcp", host)
	if err != nil {
		return err
	}
	defer conn.Close()
	w := bufio.NewWriter(conn)
	fmt.Fprintf(w, "POST %s HTTP/1.1\r\nHost: %s\r\nContent-Type: application/json\r\nContent-Length: %d\r\n\r\n", pathSettlements, host, len(body))
	w.Write(body)
	return w.Flush()
}

// overtaking: the reversal of a message that has not arrived leaves a tombstone; the message is then refused for ever (P8).
func (s *stage) overtaking() error {
	s.announce(&overtaken)
	o := s.order(&overtaken)
	var undone struct{ State string }
	if _, err := s.business.post("/v1/reversals", map[string]any{"msgid": s.msgid(), "fixmedins_code": o.Code, "original_msgid": o.Msgid,
		"original_kind": "settlement", "psn_no": o.PsnNo}, &undone); err != nil {
		return err
	}
	s.say("       reversal by message id: %s", undone.State)
	s.must(undone.State == "blocked", "the reversal that came first is %s, should be blocked", undone.State)
	_, err := s.business.post(pathSettlements, o, nil)
	if err := s.refused("the settlement that came after its reversal", err, "blocked"); err != nil {
		return err
	}
	state, err := s.ask(&o, "blocked")
	s.must(state.State == "blocked", "state of the overtaken settlement is %s, should be blocked", state.State)
	if err != nil {
		return err
	}
	return s.compareLeft(&lostAnswer)
}

// sameMessage: a repeat answers the first answer (R10), other content under the same id is refused.
func (s *stage) sameMessage() error {
	v := repeated
	s.announce(&v)
	o := s.order(&v)
	var first, second settled
	if _, err := s.business.post(pathSettlements, o, &first); err != nil {
		return err
	}
	replayed, err := s.business.post(pathSettlements, o, &second)
	if err != nil {
		return err
	}
	s.say("       sent twice: the second answer is the first again, Idempotency-Replayed: %t", replayed)
	s.must(replayed && first == second, "the repeat answered %+v replayed %t, first was %+v", second, replayed, first)
	o.Medfee, o.Inscp = o.Medfee+1, o.Inscp+1
	_, err = s.business.post(pathSettlements, o, nil)
	if err := s.refused("the same id with another amount", err, "id_reused"); err != nil {
		return err
	}
	return s.compare(&v, &first, []payment{{v.patient, first.Acct}})
}

// credits: the month's contributions in one run; then somebody spends what just came. A running server may have the province's credits of this
// month already (R26: one a person, source and period), so there the run holds the cast's only.
func (s *stage) credits() error {
	s.say("\n%s  the bureau's file of the month's contributions", s.clock("17:00"))
	month := s.now().Format("200601")
	run := creditRun{ID: s.run + "-" + month, Source: "contribution", Period: month}
	source := generated(-1, func(w io.Writer) error {
		for i, p := range monthly {
			if _, err := fmt.Fprintf(w, `{"msgid":"%s-c%02d","psn_no":"%s","amount":"%s"}`+"\n", s.run, i, s.people[p.who].psnNo, p.amount); err != nil {
				return err
			}
		}
		if s.house == nil {
			return nil
		}
		return s.province.WriteCredits(w, month)
	})
	im := newImporter(s.admin, 1, demoPatience, s.out)
	t, err := im.run(context.Background(), intake{what: "credits", kind: loadCredits, source: source, run: run})
	if err != nil {
		return err
	}
	t.print(s.out)
	for _, p := range monthly {
		s.say("     %10s  to %s", p.amount, s.people[p.who].name)
	}
	_, err = s.play(&spent)
	return err
}

// demoPatience: the server is our own or answers readyz.
const demoPatience = 10 * time.Second

// provinceDay settles the day's bills of the generated province and sums them by pooling area.
func (s *stage) provinceDay() error {
	s.clock("17:30")
	type sums struct {
		bills, refused            int
		fee, fund, own, aid, cash fen
	}
	var areas [3]sums
	day := s.province.Day(uint64(time.Now().UnixNano()))
	for b := range day.All() {
		a := &areas[areaOf(s.province.Institution(b.Institution).Area)]
		var x settled
		r, err := s.business.send(context.Background(), http.MethodPost, pathSettlements, mediaJSON, s.province.AppendSettlement(nil, b))
		switch {
		case err != nil:
			return err
		case !r.ok():
			a.refused++
			s.must(r.problem().Outcome != 0, "bill %d: %v", b.Index, r.problem())
			continue
		}
		if err := json.Unmarshal(r.body, &x); err != nil {
			return err
		}
		s.must(x.Acct+x.Cash == fen(b.PsnPart) && x.Acct <= fen(b.Payable), "bill %d: acct_pay %s and cash %s for a person's part of %s", b.Index, x.Acct, x.Cash, fen(b.PsnPart))
		s.note(s.province.Institution(b.Institution).Code, &ownLine{Msgid: b.Msgid, SetlID: x.ID, Refund: "0", Fee: fen(b.Medfee), Fund: fen(b.FundPay), Acct: x.Acct, Cash: x.Cash})
		a.bills++
		a.fee, a.fund = a.fee+fen(b.Medfee), a.fund+fen(b.FundPay)
		a.own, a.aid, a.cash = a.own+x.Acct-x.Aid, a.aid+x.Aid, a.cash+x.Cash
	}
	s.say("  %-16s %6s %8s %12s %12s %12s %12s %12s", "pooling area", "bills", "refused", "fee", "fund", "own account", "relatives", "cash")
	for i, a := range areas {
		s.say("  %-16s %6d %8d %12s %12s %12s %12s %12s", areaLabels[i][len("东江 "):], a.bills, a.refused, a.fee, a.fund, a.own, a.aid, a.cash)
	}
	return nil
}
