package rest

import (
	"strings"
	"testing"

	"gongji/api/drawproof"
	"gongji/engine"
)

// checked recomputes the draw of a settlement from its answer alone.
func (f *fixture) checked(id, hashBefore string) *drawproof.Proof {
	f.t.Helper()
	p, err := drawproof.Parse([]byte(f.get("/v1/settlements/" + id + "/draw").want(200).text))
	if err != nil {
		f.t.Fatal(err)
	}
	differs, err := p.Check(hashBefore)
	if err != nil || len(differs) > 0 {
		f.t.Errorf("draw of %s: %v %q", id, err, differs)
	}
	return p
}

// nextDay passes midnight and has the keys of past days published.
func (f *fixture) nextDay() {
	f.t.Helper()
	f.clock.ms.Add(86_400_000)
	if err := f.engine.ConfirmClock(); err != nil {
		f.t.Fatal(err)
	}
	if err := f.engine.Housekeep(); err != nil {
		f.t.Fatal(err)
	}
}

// TestDrawProof (R28, P10, design.md 5): the answer alone proves the draw: all bound candidates in both orders, those at 0 too, whatever becomes
// of the bindings afterwards; and it names nobody.
func TestDrawProof(t *testing.T) {
	policy := engine.Hubei
	policy.MinBindMonths, policy.UserMayUnbind = 0, 1
	f := start(t, setup{policy: policy})
	shop, patient := f.institution("2"), f.newPerson(true)
	f.credit(patient, "1.00")
	var bindings []string
	var people []someone
	for _, have := range []string{"", "5.00", "6.00", "", "7.00"} {
		a := f.newPerson(true)
		if have != "" {
			f.credit(a, have)
		}
		people = append(people, a)
		bindings = append(bindings, f.bind(a, patient, ""))
	}
	settle := func(medfee string) string {
		return f.post("/v1/settlements", bill{msgid: f.msgid(), code: shop, patient: patient, medfee: medfee, inscp: medfee}.body()).want(200).str("setl_id")
	}
	var settlements []string
	for range 6 {
		settlements = append(settlements, settle("3.00"))
	}
	paid := f.get("/v1/settlements/"+settlements[0]+"/draw").want(200, "key", "", "acct_mulaid_pay", "2.00")
	all := settle("100.00") // takes all that is left
	for _, b := range bindings[:3] {
		f.post("/v1/unbindings", `{"msgid":"`+f.msgid()+`","channel":"wechat","user_psn_no":"`+patient.psnNo+`","binding_ids":["`+b+`"]}`).want(200)
	}
	none := settle("1.00") // two candidates left, both at 0: a draw was made, nobody paid
	f.nextDay()
	orders := map[string]bool{}
	for _, id := range append(settlements, all) {
		p := f.checked(id, paid.str("key_hash"))
		if len(p.Candidates) != 5 || len(p.Drawn) != 5 {
			t.Errorf("%d candidates, %d drawn, want 5", len(p.Candidates), len(p.Drawn))
		}
		order := ""
		for _, name := range p.Drawn {
			for rank, c := range p.Candidates {
				if c == name {
					order += string('0' + rune(rank))
				}
			}
		}
		orders[order] = true
	}
	if len(orders) < 2 {
		t.Errorf("seven draws, orders %v", orders)
	}
	if p := f.checked(none, ""); len(p.Candidates) != 2 || len(p.Paid) != 0 || p.Mulaid != "0.00" {
		t.Errorf("draw among two without money: %+v", p)
	}
	text := f.get("/v1/settlements/" + all + "/draw").text
	for _, x := range append(people, patient) {
		if strings.Contains(text, x.psnNo) || strings.Contains(text, x.certno) {
			t.Errorf("the proof names somebody: %s", text)
		}
	}
}
