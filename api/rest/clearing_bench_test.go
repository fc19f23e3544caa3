package rest

import (
	"fmt"
	"strings"
	"testing"
)

// BenchmarkLargeHospital is a day of 20,000 bills of one hospital: its totals, and the comparison with its own lines. They came in batch calls, so about a thousand lie in
// a batch of the log; sent one by one each lies in a batch of its own or with other institutions' bills.
func BenchmarkLargeHospital(b *testing.B) {
	const bills, alone = 20_000, 2_000
	k := &books{fixture: start(b, setup{})}
	busy, slow, p := k.institution("1"), k.institution("1"), k.newPerson(true)
	k.credit(p, "1000000.00")
	lines := func(n int, code string) (bodies, own []string) {
		for range n {
			id := k.msgid()
			bodies = append(bodies, bill{msgid: id, code: code, patient: p, medfee: "1.00", inscp: "1.00"}.body())
			own = append(own, fmt.Sprintf(`{"msgid":%q,"medfee_sumamt":"1.00","fund_pay_sumamt":"0.00","acct_pay":"1.00"}`, id))
		}
		return bodies, own
	}
	bodies, own := lines(bills, busy)
	for at := 0; at < bills; at += linesMax {
		k.send("POST", k.business+"/v1/settlements/batch", mediaNDJSON, strings.Join(bodies[at:at+linesMax], "\n")).want(200)
	}
	single, _ := lines(alone, slow)
	for _, body := range single {
		k.post("/v1/settlements", body).want(200)
	}
	day := "?from=" + k.today() + "&to=" + k.today()
	b.Run("totals", func(b *testing.B) {
		for b.Loop() {
			k.get("/v1/institutions/"+busy+"/clearing"+day).want(200, "count", fmt.Sprint(bills))
		}
	})
	b.Run("reconciliation", func(b *testing.B) {
		for b.Loop() {
			k.reconcile(busy, day, own...).want(200, "level", "true")
		}
	})
	b.Run("totals-one-a-batch", func(b *testing.B) {
		for b.Loop() {
			k.get("/v1/institutions/"+slow+"/clearing"+day).want(200, "count", fmt.Sprint(alone))
		}
	})
}
