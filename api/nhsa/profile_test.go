package nhsa

import (
	"bytes"
	"fmt"
	"io"
	"strings"
	"sync"
	"testing"

	"gongji/engine/policy"
)

// inForce makes a shipped profile with some lines changed ("knob = value") the one in force.
func (f *fixture) inForce(name string, version int, more string, lines ...string) {
	f.t.Helper()
	text := string(policy.MustShipped(name).Canonical())
	for _, l := range append(lines, fmt.Sprintf("version = %d", version)) {
		knob, _, _ := strings.Cut(l, " =")
		head, rest, found := strings.Cut(text, "\n"+knob+" =")
		if !found {
			f.t.Fatalf("no knob %s", knob)
		}
		_, rest, _ = strings.Cut(rest, "\n")
		text = head + "\n" + l + "\n" + rest
	}
	text = strings.Replace(text, "[[clr_type]]\n", more+"[[clr_type]]\n", 1)
	if a := f.v1(f.admin, "/v1/policies?at=now", "application/toml", text); a.status != 201 {
		f.t.Fatalf("%d %s", a.status, a.text)
	}
	f.clock.ms.Add(knobsKeepMS)
}

// TestClrType: answers have the clearing category of the profile in force when the bill was settled, whatever holds when they are told (R16).
func TestClrType(t *testing.T) {
	f := start(t, setup{})
	f.shop()
	p := f.newPerson(true)
	f.credit(p, "500.00")
	b := bought{who: p, total: "75.00", lines: threeLines}
	first := f.msgid()
	old := f.settle(first, b).ok("setlinfo.clr_type", "41")
	row := "[[clr_type]]\ncode = \"9907\"\nmed_type = [\"41\"]\nfixmedins_type = [\"2\"]\ninsutype = [\"310\"]\n"
	f.inForce("hubei", 2, row)
	preview := func(want string) {
		t.Helper()
		f.send(pathCall, sent{infno: "2101", msgid: f.msgid(), input: b.input()}.body()).ok("setlinfo.clr_type", want)
	}
	preview("9907")
	second := f.msgid()
	late := f.settle(second, b).ok("setlinfo.clr_type", "9907")
	f.settle(first, b).ok("setlinfo.clr_type", "41")
	query := func(a *answer, want string) {
		t.Helper()
		setl := a.str("output.setlinfo.setl_id")
		f.send(pathCall, sent{infno: "5203", msgid: f.msgid(), input: fmt.Sprintf(`{"data":{"psn_no":%q,"setl_id":%q,"mdtrt_id":%q}}`, p.psnNo, setl, a.str("output.setlinfo.mdtrt_id"))}.body()).
			ok("setlinfo.clr_type", want)
		if v1 := f.get(f.business, "/v1/settlements/"+setl); v1.str("clr_type") != want {
			t.Errorf("/v1 has %q, want %q", v1.str("clr_type"), want)
		}
	}
	query(old, "41")
	query(late, "9907")
	f.inForce("hubei", 3, "")
	preview("41")
	f.settle(second, b).ok("setlinfo.clr_type", "9907")
	query(late, "9907")
}

// withPasswords is a fixture under a profile whose relatives' accounts are opened by passwords, with a patient who has no money and his relatives.
func withPasswords(t *testing.T, with setup, profile string) (f *fixture, patient someone, relatives [2]someone) {
	t.Helper()
	f = start(t, with)
	f.shop()
	patient = f.newPerson(true)
	for i := range relatives {
		relatives[i] = f.newPerson(true)
		f.credit(relatives[i], "30.00")
		f.bind(relatives[i], patient)
	}
	f.inForce(profile, 2, "", `account_password = "force_change"`, "password_tries = 3", "password_lock_minutes = 30")
	for i := range relatives {
		if a := f.v1(f.business, "/v1/persons/"+relatives[i].psnNo+"/password", "application/json",
			fmt.Sprintf(`{"msgid":%q,"channel":"wechat","action":"set","password":%q}`, f.msgid(), passwordOf(i))); a.status/100 != 2 {
			t.Fatal(a.text)
		}
	}
	return f, patient, relatives
}

func passwordOf(i int) string { return fmt.Sprintf("83;1=57%d", i) }

// TestPasswords (R23, K20, L5): cainfo opens the accounts it names, with the right passwords; others give nothing, and the bill is not refused for it.
func TestPasswords(t *testing.T) {
	var log bytes.Buffer
	t.Cleanup(func() { // when the servers have stopped: they log behind their answers
		if log.Len() == 0 || strings.Contains(log.String(), "83;1=57") {
			t.Error("a password is in the log, or there is none")
		}
	})
	logs := &oneAtATime{w: &log}
	for _, profile := range []string{"hubei", "ordered"} {
		f, patient, relatives := withPasswords(t, setup{log: logs}, profile)
		pair := func(i int, password string) string { return relatives[i].psnNo + "=" + password }
		right := [2]string{pair(0, passwordOf(0)), pair(1, passwordOf(1))}
		settle := func(msgid, cainfo string) *answer {
			t.Helper()
			b := bought{who: patient, total: "75.00", lines: threeLines}
			return f.send(pathCall, sent{infno: "2102", msgid: msgid, input: b.input(), with: map[string]string{"cainfo": quote(cainfo)}}.body())
		}
		undo := func(a *answer) {
			t.Helper()
			f.cancel(f.msgid(), a.str("output.setlinfo.setl_id"), a.str("output.setlinfo.mdtrt_id"), patient).ok()
		}
		for _, x := range []struct{ cainfo, mulaid string }{
			{"", "0.00"}, {right[0], "30.00"}, {right[1] + " " + right[0], "60.00"}, {pair(0, "000000") + " " + right[1], "30.00"}, {right[0] + " 42019999=123456", "30.00"},
		} {
			msgid := f.msgid()
			a := settle(msgid, x.cainfo).ok("setlinfo.acct_mulaid_pay", x.mulaid)
			settle(msgid, pair(1, "999999")).ok("setlinfo.acct_mulaid_pay", x.mulaid) // R10: passwords are no content
			undo(a)
		}
		_, before := f.ledgerNow()
		for _, bad := range []struct{ cainfo, code string }{
			{"123456", "bad_value"}, {right[0] + " ", "bad_value"}, {right[0] + "  " + right[1], "bad_value"}, {"=" + passwordOf(0), "bad_value"},
			{relatives[0].psnNo + "=", "bad_value"}, {pair(0, strings.Repeat("7", passwordMax+1)), "bad_value"}, {pair(0, "密码"), "bad_value"},
			{strings.Repeat(right[0]+" ", 8) + right[1], "too_many"},
		} {
			a := settle(f.msgid(), bad.cainfo).refused(bad.code, "cainfo")
			if strings.Contains(a.text, relatives[0].psnNo) {
				t.Errorf("echoed: %s", a.text)
			}
		}
		if _, s := f.ledgerNow(); s != before {
			t.Error("refused bills were logged")
		}
		f.inForce(profile, 3, "")
		settle(f.msgid(), "a signature, or whatever else was always there").ok("setlinfo.acct_mulaid_pay", "60.00")
	}
}

// TestPasswordsBesideSignature: a scheme whose signature stands in cainfo leaves no place for passwords, so relatives are skipped and no bill is refused;
// header schemes have a place (R23).
func TestPasswordsBesideSignature(t *testing.T) {
	for _, name := range []string{"sm2", "gateway"} {
		g, c := sides(t, name)
		f, patient, relatives := withPasswords(t, setup{opt: Options{Guard: g}}, "ordered")
		bill := sent{infno: "2102", msgid: f.msgid(), input: bought{who: patient, total: "75.00", lines: threeLines}.input(), with: map[string]string{"cainfo": "-", "signtype": "-"}}
		if name == "gateway" {
			bill.with["cainfo"] = quote(relatives[0].psnNo + "=" + passwordOf(0))
			signedBy(t, c, bill.body(), f.clock.ms.Load()).answered(f).ok("setlinfo.acct_mulaid_pay", "30.00")
			continue
		}
		signedBy(t, c, bill.body(), f.clock.ms.Load()).answered(f).ok("setlinfo.acct_mulaid_pay", "0.00")
	}
}

// oneAtATime is a log of two servers.
type oneAtATime struct {
	mu sync.Mutex
	w  io.Writer
}

func (o *oneAtATime) Write(p []byte) (int, error) {
	o.mu.Lock()
	defer o.mu.Unlock()
	return o.w.Write(p)
}
