package till

import (
	"bytes"
	"context"
	"errors"
	"strings"
	"testing"
	"time"
)

// spendElsewhere lets the account change between pre-settlement and settlement: another till of the family.
func (w *world) spendElsewhere(fen int64) func() error {
	return func() error {
		w.centre.mu.Lock()
		defer w.centre.mu.Unlock()
		w.person.balance -= fen
		return nil
	}
}

// TestDifference (R4): a settlement that is not what was pre-settled is shown amount by amount, and cancelled when the patient declines.
func TestDifference(t *testing.T) {
	for _, accept := range []bool{true, false} {
		w := newWorld(t, TypePharmacy)
		asked := 0
		d := &Dialogue{Items: DemoPurchase(), Meanwhile: w.spendElsewhere(90_00), Ask: func(list []Difference) bool {
			asked++
			want := map[string][2]Fen{"acct_pay": {48_65, 10_00}, "psn_cash_pay": {0, 38_65}, "balc": {51_35, 0}}
			if len(list) != len(want) {
				t.Errorf("differences %+v", list)
			}
			for _, x := range list {
				if want[x.Field] != [2]Fen{x.Before, x.Now} {
					t.Errorf("difference %+v", x)
				}
			}
			return accept
		}}
		v, r, err := w.play(t.Context(), &Pharmacy, d)
		if err != nil || !r.Level() {
			t.Fatal(err, r)
		}
		if asked != 1 || v.Cancelled == accept {
			t.Errorf("asked %d times, accepted %t, cancelled %t", asked, accept, v.Cancelled)
		}
		if !strings.Contains(w.said.String(), "acct_pay 个人账户支出: pre-settled 48.65, settled 10.00") {
			t.Error("the difference is not shown")
		}
		w.person.balance += 90_00
		w.same(t)
	}
}

// TestTwice (R10): the settlement's very message again has the first answer, and pays nothing; a server that answers otherwise is found out.
func TestTwice(t *testing.T) {
	w := newWorld(t, TypePharmacy)
	v, r, err := w.play(t.Context(), &Pharmacy, &Dialogue{Items: DemoPurchase(), Twice: true})
	if err != nil || !r.Level() || len(v.Wrong) > 0 {
		t.Fatal(err, r, v.Wrong)
	}
	w.same(t)
	if w.centre.arrived[v.entry.Msgid] != 2 {
		t.Errorf("the message arrived %d times", w.centre.arrived[v.entry.Msgid])
	}
	w.centre.faults = nil // sent twice on purpose
	w.centre.answers[v.entry.Msgid].input = "another"
	w.till.again(t.Context(), v)
	if len(v.Wrong) != 1 {
		t.Errorf("a refused repeat is not told: %v", v.Wrong)
	}
	w.centre.faults = nil
}

// TestRefused: a refusal is an outcome: nothing is undone, nothing sent again, and the text reaches the clerk.
func TestRefused(t *testing.T) {
	w := newWorld(t, TypePharmacy)
	d := &Dialogue{Items: DemoPurchase(), Meanwhile: func() error { w.person.psn = "moved"; return nil }}
	v, _, err := w.play(t.Context(), &Pharmacy, d)
	if !errors.Is(err, ErrRefused) || !strings.Contains(err.Error(), "[amount_parts] medfee_sumamt") || v.Now != nil {
		t.Errorf("%v", err)
	}
	entries := w.till.Book.Entries()
	if len(entries) != 1 || entries[0].State != Rejected {
		t.Errorf("book %+v", entries)
	}
	if strings.Contains(w.said.String(), infReverse+" ") {
		t.Error("a refused message was reversed")
	}
}

// TestReusedMsgid (R10): somebody else's message has the id; the till takes a new one.
func TestReusedMsgid(t *testing.T) {
	w := newWorld(t, TypePharmacy)
	w.centre.reused = infPurchase
	d := &Dialogue{Items: DemoPurchase()}
	v, r, err := w.play(t.Context(), &Pharmacy, d)
	if err != nil || !r.Level() {
		t.Fatal(err, r)
	}
	if e := w.till.Book.Entries(); len(e) != 2 || e[0].State != Foreign || e[1].Msgid != v.entry.Msgid {
		t.Errorf("book %+v", e)
	}
	w.same(t)
}

// TestWrongAnswers: a server whose sums do not add up is found out.
func TestWrongAnswers(t *testing.T) {
	good := func() *Settled {
		return &Settled{Amounts: map[string]Fen{"medfee_sumamt": 100_00, "fulamt_ownpay_amt": 10_00, "inscp_scp_amt": 90_00, "fund_pay_sumamt": 50_00, "hosp_part_amt": 5_00,
			"psn_part_amt": 45_00, "acct_pay": 40_00, "acct_mulaid_pay": 15_00, "psn_cash_pay": 5_00},
			Lines: []Node{{"det_item_fee_sumamt": "100.00", "cnt": "3", "pric": "33.333333"}}}
	}
	if wrong := good().Check(); len(wrong) > 0 {
		t.Errorf("%v", wrong)
	}
	with := good()
	with.Amounts["fund_pay_sumamt"] = 90_00 // R1: account money in it
	if wrong := with.Check(); len(wrong) > 0 {
		t.Errorf("fund_sum_includes_acct: %v", wrong)
	}
	for name, change := range map[string]func(*Settled){
		"E1": func(s *Settled) { s.Amounts["hosp_part_amt"]++ }, "E2": func(s *Settled) { s.Amounts["psn_cash_pay"]++ },
		"E3": func(s *Settled) { s.Amounts["acct_mulaid_pay"] = 40_01 }, "E4": func(s *Settled) { s.Amounts["preselfpay_amt"]++ },
		"E5": func(s *Settled) { s.Lines[0]["pric"] = "33.40" }, "the lines' sum": func(s *Settled) { s.Lines = append(s.Lines, s.Lines[0]) },
	} {
		s := good()
		change(s)
		if wrong := s.Check(); len(wrong) != 1 || !strings.HasPrefix(wrong[0], name) {
			t.Errorf("%s: %v", name, wrong)
		}
	}
}

// TestMessage: the envelope has all 18 fields in order, the msgid's shape is the documented one, and numbers go out in both forms.
func TestMessage(t *testing.T) {
	w := newWorld(t, TypePharmacy)
	w.till.Trace = &strings.Builder{}
	if _, _, err := w.play(t.Context(), &Pharmacy, &Dialogue{Items: DemoPurchase()}); err != nil {
		t.Fatal(err)
	}
	m := w.till.last
	at := -1
	for _, name := range strings.Fields(`infno msgid mdtrtarea_admvs insuplc_admdvs recer_sys_code dev_no dev_safe_info cainfo signtype infver opter_type opter
		opter_name inf_time fixmedins_code fixmedins_name sign_no input`) {
		i := bytes.Index(m.body, []byte(`"`+name+`":`))
		if i <= at {
			t.Errorf("%s is not behind its neighbour in %s", name, m.body)
		}
		at = i
	}
	if len(m.msgid) != 30 || !strings.HasPrefix(m.msgid, w.till.Code+w.till.time().Format("2006")) {
		t.Errorf("msgid %s", m.msgid)
	}
	if !bytes.Contains(m.body, []byte(`"insuplc_admdvs":"991000"`)) { // nhsa-inpatient.md 4, rule 2
		t.Errorf("%s", m.body)
	}
	if !bytes.Contains(m.body, []byte(`"medfee_sumamt":48.65`)) || !bytes.Contains(m.body, []byte(`"det_item_fee_sumamt":"23.80"`)) && !bytes.Contains(m.body, []byte(`"cnt":"2.0000"`)) {
		t.Errorf("numbers come in one form only: %s", m.body)
	}
	trace := w.till.Trace.(*strings.Builder).String()
	for _, s := range []string{">>> 2102 药店结算", "<<< 2102 answered", `"mdtrt_cert_no": "994769201405207743"`} {
		if !strings.Contains(trace, s) {
			t.Errorf("the trace has no %s", s)
		}
	}
}

// TestReceipt: the slip has the shop, the amounts with their national names and the ids; not the whole name, and no identity number.
func TestReceipt(t *testing.T) {
	w := newWorld(t, TypePharmacy)
	v, _, err := w.play(t.Context(), &Pharmacy, &Dialogue{Items: DemoPurchase()})
	if err != nil {
		t.Fatal(err)
	}
	var out strings.Builder
	if err := Receipt(&out, w.till.Place, w.till.Operator, v); err != nil {
		t.Fatal(err)
	}
	for _, s := range []string{"示范大药房", "林**", "阿莫西林胶囊", v.Now.SetlID, "acct_pay"} {
		if !strings.Contains(out.String(), s) {
			t.Errorf("no %s on\n%s", s, &out)
		}
	}
	for _, s := range []string{"林小满", w.person.certno} {
		if strings.Contains(out.String(), s) {
			t.Errorf("%s is on\n%s", s, &out)
		}
	}
	for line := range strings.Lines(out.String()) {
		if strings.HasSuffix(line, "48.65\n") && columns(strings.TrimSuffix(line, "\n")) != receiptWidth {
			t.Errorf("%q is %d columns wide", line, columns(line))
		}
	}
}

// TestDeadServer: without a server nothing is known, the book keeps what was sent, and the next start undoes it.
func TestDeadServer(t *testing.T) {
	w := newWorld(t, TypePharmacy)
	url := w.till.Server.URL
	d := &Dialogue{Items: DemoPurchase(), Meanwhile: func() error {
		w.till.Server.URL = "http://127.0.0.1:1"
		return nil
	}}
	if _, _, err := w.play(t.Context(), &Pharmacy, d); !errors.Is(err, ErrUnresolved) {
		t.Errorf("%v", err)
	}
	open := w.till.Book.Open()
	if len(open) != 1 || open[0].Infno != infPurchase {
		t.Fatalf("open %+v", open)
	}
	w.till.Server.URL = url
	if err := w.till.Recover(t.Context()); err != nil {
		t.Fatal(err)
	}
	w.same(t)
	if !w.centre.blocked[open[0].Msgid] {
		t.Error("the message could still arrive")
	}
}

// TestStop: a till that is told to stop does.
func TestStop(t *testing.T) {
	w := newWorld(t, TypePharmacy)
	ctx, cancel := context.WithCancel(t.Context())
	_, _, err := w.play(ctx, &Pharmacy, &Dialogue{Items: DemoPurchase(), Meanwhile: func() error { cancel(); return nil }})
	if !errors.Is(err, ErrUnresolved) {
		t.Errorf("%v", err)
	}
	if n := len(w.till.Book.Open()); n != 1 {
		t.Errorf("%d open", n)
	}
}

// TestTwoProcesses (R10): two till programs of one institution, each with a book of its own, that begin at the same serial in the same second and play the same
// patient's same purchase. The second is told that its ids are another's, also where the platform answers as it answered the other: it takes new ones, buys its own
// goods, and its close leaves the first one's settlement standing.
func TestTwoProcesses(t *testing.T) {
	for _, same := range []bool{true, false} {
		w := newWorld(t, TypePharmacy)
		start := time.Now()
		clock := func() time.Time { return start }
		second := newBookAt(t, w.centre.bookOf+"2")
		place := w.till.Place
		w.till.Institution = NewInstitution(place, w.till.Book, 40, clock)
		if _, r, err := w.play(t.Context(), &Pharmacy, &Dialogue{Items: DemoPurchase()}); err != nil || !r.Level() {
			t.Fatal(err, r)
		}
		mine := w.till.Book.Entries()
		items := DemoPurchase()
		if !same {
			items = items[:1]
		}
		w.centre.bookOf += "2"
		w.centre.arrived = map[string]int{} // what each till sends is counted by itself
		w.till.Institution = NewInstitution(place, second, 40, clock)
		v, r, err := w.play(t.Context(), &Pharmacy, &Dialogue{Items: items})
		if err != nil || !r.Level() {
			t.Fatalf("same content %t: %v %+v", same, err, r)
		}
		list := second.Entries()
		if list[0].State != Done && list[0].State != Foreign || v.entry.State != Done || v.entry.Msgid == mine[0].Msgid {
			t.Errorf("same content %t: book %+v, settled by %s", same, list, v.entry.Msgid)
		}
		if !strings.Contains(w.said.String(), mine[0].Msgid+"  ") {
			t.Error("the second never took the first one's id: nothing was tested")
		}
		standing := 0
		for _, d := range w.centre.deals {
			if d.void || d.cancelled {
				t.Errorf("same content %t: %s was undone", same, d.setl)
			}
			standing++
		}
		if standing != 2 || w.centre.blocked[mine[0].Msgid] {
			t.Errorf("same content %t: %d settlements", same, standing)
		}
		for _, e := range second.Entries() {
			if e.State == Foreign {
				t.Errorf("the close has not entered %s", e.Msgid)
			}
		}
	}
}

func newBookAt(t *testing.T, path string) *Book {
	t.Helper()
	b, err := OpenBook(path)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := b.Close(); err != nil {
			t.Error(err)
		}
	})
	return b
}
