package rest

import (
	"fmt"
	"strings"
	"testing"

	"gongji/engine"
	"gongji/engine/ledger"
)

// move insures a person in another place.
func (f *fixture) move(p someone, insutype, area string) {
	f.t.Helper()
	f.postAdmin("/v1/persons/"+p.psnNo+"/enrolments", fmt.Sprintf(`{"msgid":%q,"insutype":%q,"psn_type":"11","flxempe_flag":"0","psn_insu_stas":"1","insuplc_admdvs":%q,"begndate":"2015-01-01"}`,
		f.msgid(), insutype, area)).want(200)
}

func (f *fixture) areas(query string) *answer {
	f.t.Helper()
	return f.send("GET", f.admin+"/v1/clearing/areas"+query, "", "")
}

// crossed adds up the legs of all entries that record another area, from log and journal.
func (f *fixture) crossed() (sum int64) {
	f.t.Helper()
	r := f.engine.NewReader()
	for sequence := uint64(1); sequence <= f.sequence(); sequence++ {
		for index := 0; ; index++ {
			e, err := r.Entry(ledger.At(sequence, index))
			if err == engine.ErrNoCommand {
				break
			}
			if err != nil {
				f.t.Fatal(err)
			}
			for _, l := range e.Legs {
				if l.Area != 0 {
					sum -= l.Amount
				}
			}
		}
	}
	return sum
}

// TestAreaDues: R18: the matrix of dues by days; its total is the sum of the legs across areas; a reversal takes it back by the areas of then.
func TestAreaDues(t *testing.T) {
	f := start(t, setup{})
	father, mother, child := f.newPerson(true), f.newPerson(true), f.newPerson(false)
	f.move(father, "310", "420500")
	f.move(mother, "310", "420102")
	f.move(child, "390", "420100") // mother and child lie in one pooling area
	f.credit(father, "100.00")
	f.credit(mother, "100.00")
	f.bind(father, child, "")
	f.bind(mother, child, "")
	shop := f.institution("2")
	first := f.post("/v1/settlements", bill{msgid: "S1", code: shop, patient: child, medfee: "180.00", inscp: "180.00"}.body()).want(200, "acct_pay", "180.00").str("setl_id")
	all := f.areas("").want(200, "dues.0.owing_area", "4205", "dues.0.claiming_area", "4201", "dues.1.owing_area", "")
	due := all.str("total") // 80.00 or 100.00: who paid in full was drawn
	if due != "80.00" && due != "100.00" || due != all.str("dues.0.amount") {
		t.Fatalf("due is %s", all.text)
	}
	if sum := f.crossed(); fmt.Sprintf("%d.%02d", sum/100, sum%100) != due {
		t.Fatalf("legs across areas add to %d fen, the matrix says %s", sum, due)
	}
	f.send("GET", f.admin+"/v1/ledger/totals", "", "").want(200, "totals.area_owed", due, "totals.area_claimed", "-"+due, "sum", "0.00")

	f.move(father, "310", "420100")
	f.clock.ms.Add(86_400_000)
	if err := f.engine.ConfirmClock(); err != nil {
		t.Fatal(err)
	}
	f.post("/v1/settlements/"+first+"/reversal", fmt.Sprintf(`{"msgid":"R1","fixmedins_code":%q,"psn_no":%q,"opter":"1","reason":"退费"}`, shop, child.psnNo)).want(200, "state", "reversed")
	f.areas("").want(200, "total", "0.00")
	f.areas("?from=2026-03-10&to=2026-03-10").want(200, "total", due, "from", "2026-03-10", "to", "2026-03-10")
	f.areas("?from=2026-03-11").want(200, "total", "-"+due, "dues.0.owing_area", "4205")
	f.areas("?to=2026-03-09").want(200, "total", "0.00", "dues.0.amount", "")
	f.post("/v1/settlements", bill{msgid: "S2", code: shop, patient: child, medfee: "180.00", inscp: "180.00"}.body()).want(200, "acct_pay", "180.00")
	f.areas("?from=2026-03-11&to=2026-03-11").want(200, "total", "-"+due) // all live in one area now
	if sum := f.crossed(); sum != 0 {
		t.Errorf("legs across areas add to %d fen", sum)
	}
	f.areas("?from=2026-03-11&to=2026-03-10").want(400, "code", "bad_value", "field", "to")
	f.areas("?from=20260311").want(400, "code", "bad_value", "field", "from")
	if a := f.get("/v1/clearing/areas"); a.status != 404 || strings.Contains(a.text, "4205") { // R31
		t.Errorf("on the business listener: %d %s", a.status, a.text)
	}
}
