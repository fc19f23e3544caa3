package rest

import (
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"net/http"
	"strings"
	"testing"

	"gongji/engine/policy"
)

const mediaTOML = "application/toml"

func (f *fixture) activate(query, text string) *answer {
	f.t.Helper()
	return f.send("POST", f.admin+"/v1/policies"+query, mediaTOML, text)
}

// profileText is a shipped profile with some lines of its canonical text replaced: "knob = value".
func profileText(t testing.TB, name string, lines ...string) string {
	t.Helper()
	text := strings.Split(string(policy.MustShipped(name).Canonical()), "\n")
	for _, l := range lines {
		knob, _, _ := strings.Cut(l, " ")
		found := false
		for i := range text {
			if strings.HasPrefix(text[i], knob+" =") && !found {
				text[i], found = l, true
			}
		}
		if !found {
			t.Fatalf("no line of %s", knob)
		}
	}
	return strings.Join(text, "\n")
}

// TestActivatePolicy: a profile holds from its day on, and the log keeps its text.
func TestActivatePolicy(t *testing.T) {
	f := start(t, setup{})
	gansu := profileText(t, "gansu")
	sum := sha256.Sum256(policy.MustShipped("gansu").Canonical())
	hash := hex.EncodeToString(sum[:])
	f.activate("?at=2026-03-12", "# a comment is no part of it\n"+gansu).
		want(201, "number", "1", "name", "gansu", "version", "1", "effective_from", "2026-03-12T00:00:00.000+08:00", "sha256", hash)
	inForce := func(number string) {
		t.Helper()
		list := f.send("GET", f.admin+"/v1/policies", "", "").want(200, "policies.0.number", "0", "policies.1.number", "1", "policies.1.sha256", hash)
		for i := range 2 {
			want := fmt.Sprint(fmt.Sprint(i) == number)
			list.want(200, fmt.Sprintf("policies.%d.in_force", i), want)
			f.send("GET", fmt.Sprintf("%s/v1/policies/%d", f.admin, i), "", "").want(200, "in_force", want)
		}
	}
	inForce("0")
	f.send("GET", f.admin+"/v1/policies/1", "", "").want(200, "text", gansu, "name", "gansu")
	f.clock.ms.Add(3 * 24 * 3600 * 1000)
	f.institution("2")
	inForce("1")
	f.send("GET", f.admin+"/v1/policies?cursor=1", "", "").want(200, "policies.0.name", "gansu")
	f.send("GET", f.admin+"/v1/policies?cursor=2", "", "").want(200, "policies.0.name", "")
	for _, path := range []string{"/v1/policies/2", "/v1/policies/01", "/v1/policies/x", "/v1/policies/4294967296"} {
		f.send("GET", f.admin+path, "", "").want(404, "code", "not_found")
	}
	f.send("GET", f.admin+"/v1/policies?cursor=-1", "", "").want(400, "field", "cursor")
}

// TestActivatePolicyNow: the batch behind it follows it.
func TestActivatePolicyNow(t *testing.T) {
	f := start(t, setup{})
	authorizer, user := f.newPerson(true), f.newPerson(false)
	f.bind(authorizer, user, "") // relation 5
	a := f.activate("?at=now", profileText(t, "hubei", "version = 2", `allowed_relations = ["spouse"]`)).want(201, "version", "2", "number", "1")
	if from := a.str("effective_from"); !strings.HasPrefix(from, "2026-03-10T12:00:") {
		t.Errorf("effective from %s, the clock stands at noon", from)
	}
	f.send("GET", f.admin+"/v1/policies/1", "", "").want(200, "effective_from", a.str("effective_from"), "sequence", a.str("sequence"), "in_force", "true")
	f.post("/v1/bindings", bindBody(f.msgid(), authorizer, f.newPerson(false), "")).want(422, "code", "relation_not_allowed")
}

// TestActivatePolicyRefused: by the file, by the day, by the ledger.
func TestActivatePolicyRefused(t *testing.T) {
	f := start(t, setup{})
	a := f.activate("", profileText(t, "hubei", "version = 2", "min_bind_months = 121", "face_required_from_age = 16")).
		want(400, "code", "profile_invalid", "field", "min_bind_months", "id_used", "false")
	for _, part := range []string{"line:17: min_bind_months: takes a whole number from 0 to 120 (K5 U2)", "line:25: face_required_from_age: needs user_consent_required"} {
		if !strings.Contains(a.str("detail"), part) {
			t.Errorf("%q does not tell %q", a.str("detail"), part)
		}
	}
	many := "zz1 = 1\n"
	for i := range 40 {
		many += fmt.Sprintf("zz_%d = 1\n", i)
	}
	if a := f.activate("", many+profileText(t, "hubei")).want(400, "code", "profile_invalid"); !strings.Contains(a.str("detail"), "and 21 more") {
		t.Errorf("%q", a.str("detail"))
	}
	f.activate("", "").want(400, "code", "profile_invalid")

	next := profileText(t, "hubei", "version = 2", "effective_from = 2026-06-01")
	f.activate("?at=2026-05-31", next).want(400, "code", "before_effective_from", "field", "at")
	f.activate("?at=now", next).want(400, "code", "before_effective_from")
	for _, bad := range []string{"?at=", "?at=tomorrow", "?at=2026-13-01"} {
		f.activate(bad, next).want(400, "code", "bad_value", "field", "at")
	}
	f.activate("?at=2026-06-01&at=now", next).want(400, "code", "duplicate_field")
	f.activate("?on=2026-06-01", next).want(400, "code", "unknown_field")

	f.activate("", profileText(t, "gansu")).want(422, "code", "policy_in_past", "field", "at", "id_used", "true") // its day is past
	f.activate("?at=now", profileText(t, "hubei")).want(422, "code", "policy_version", "field", "version")
	f.activate("", next).want(201, "effective_from", "2026-06-01T00:00:00.000+08:00", "number", "1")
	f.activate("", next).want(422, "code", "policy_version")

	f.send("POST", f.admin+"/v1/policies", "application/json", "{}").want(415)
	f.document = nil
	req, err := http.NewRequest("POST", f.business+"/v1/policies", strings.NewReader(next))
	if err != nil {
		t.Fatal(err)
	}
	req.Header.Set("Content-Type", mediaTOML)
	resp, err := f.client.Do(req)
	if err != nil {
		t.Fatal(err)
	}
	resp.Body.Close()
	if resp.StatusCode != 404 { // R31
		t.Errorf("the business listener answers %d", resp.StatusCode)
	}
}

// TestClrTypeOfPolicy: an answer has the clearing category of the profile in force when it was settled, also when it is told later (R16).
func TestClrTypeOfPolicy(t *testing.T) {
	f := start(t, setup{})
	shop, hospital, p := f.institution("2"), f.institution("1"), f.newPerson(true)
	body := func(code string) string {
		return bill{msgid: f.msgid(), code: code, patient: p, medfee: "1.00", inscp: "1.00"}.body()
	}
	old := f.post("/v1/settlements", body(hospital)).want(200, "clr_type", "11")
	text := strings.Replace(profileText(t, "hubei", "version = 2"), "[[clr_type]]\n", "[[clr_type]]\ncode = \"9907\"\nmed_type = [\"11\"]\nfixmedins_type = [\"1\"]\ninsutype = [\"390\"]\n[[clr_type]]\n", 1)
	f.activate("?at=2026-03-11", text).want(201)
	f.post("/v1/settlements", body(hospital)).want(200, "clr_type", "11")
	f.nextDay()
	again := body(hospital)
	f.post("/v1/settlements", again).want(200, "clr_type", "9907")
	f.post("/v1/settlements", again).want(200, "clr_type", "9907")
	f.post("/v1/settlements/preview", bill{code: hospital, patient: p, medfee: "1.00", inscp: "1.00"}.body()).want(200, "clr_type", "9907")
	f.post("/v1/settlements", strings.Replace(body(hospital), `"insutype":"390"`, `"insutype":"310"`, 1)).want(200, "clr_type", "11")
	f.post("/v1/settlements", body(shop)).want(200, "clr_type", "41")
	if a := f.send("POST", f.business+"/v1/settlements/batch", mediaNDJSON, body(hospital)+"\n"+body(shop)); !strings.Contains(a.text, `"clr_type":"9907"`) || !strings.Contains(a.text, `"clr_type":"41"`) {
		t.Errorf("batch: %s", a.text)
	}
	f.get("/v1/settlements/"+old.str("setl_id")).want(200, "clr_type", "11")
	f.activate("?at=now", profileText(t, "hubei", "version = 3")).want(201)
	f.post("/v1/settlements", body(hospital)).want(200, "clr_type", "11")
	f.post("/v1/settlements", again).want(200, "clr_type", "9907")
}

// TestClrTypes: policies logged without a text have the table of any shipped profile (R16).
func TestClrTypes(t *testing.T) {
	for _, name := range policy.Names {
		p := policy.MustShipped(name)
		for med := range uint32(22_000) {
			for place := range uint8(6) {
				b := BillKind{MedType: med, Insutype: 310, Place: place}
				if want, got := new(ClrList).Of(1, 1, b), p.ClrType(string(codeText(nil, med)), fmt.Sprint(place), "310"); got != want {
					t.Fatalf("%s: med_type %d at %d: %s, want %s", name, med, place, got, want)
				}
			}
		}
		for med, want := range map[uint32]string{11: "11", 1301: "13", 21303: "21", 990101: "15", 990102: "99"} {
			if got := p.ClrType(string(codeText(nil, med)), "1", "390"); got != want {
				t.Errorf("%s: med_type %d: %s, want %s", name, med, got, want)
			}
		}
	}
}
