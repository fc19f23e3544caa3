package nhsa

import (
	"bufio"
	"encoding/json"
	"fmt"
	"net/http"
	"strings"
	"testing"
)

// BenchmarkStatements is a large hospital's day: 20,000 bills that came over /v1 in batch calls, so that many lie in a batch of the log, and 2,000 purchases
// of a shop that came one by one.
func BenchmarkStatements(b *testing.B) {
	const bills, piece, alone = 20_000, 1_000, 2_000
	const house = "H42010000001"
	k := &shopBook{fixture: start(b, setup{})}
	k.shop()
	k.institution(house, "1")
	p := k.newPerson(true)
	k.credit(p, "1000000.00")
	var own []string
	for at := 0; at < bills; at += piece {
		var lines []string
		for range piece {
			lines = append(lines, fmt.Sprintf(`{"msgid":%q,"fixmedins_code":%q,"psn_no":%q,"mdtrt_cert_type":"02","mdtrt_cert_no":%q,"med_type":"11","insutype":"310","medfee_sumamt":"1.00",`+
				`"fund_pay_sumamt":"0.00","preselfpay_amt":"0.00","inscp_scp_amt":"1.00","overlmt_selfpay":"0.00","fulamt_ownpay_amt":"0.00","opter":"0001","opter_name":"收费员"}`, k.msgid(), house, p.psnNo, p.certno))
		}
		resp, err := k.client.Post(k.business+"/v1/settlements/batch", "application/x-ndjson", strings.NewReader(strings.Join(lines, "\n")))
		if err != nil {
			b.Fatal(err)
		}
		for _, id := range setlIDs(b, resp) {
			own = append(own, (&entry{setl: id, visit: "V", psn: p.psnNo, fee: 100, acct: 100}).line())
		}
	}
	for range alone {
		k.buy(p, "310", "41", "1.00")
	}
	ask := func(code, clrType string, lines []string) (total, detail string) {
		q := k.over(k.today(), k.today())
		q.insutype, q.clrType, q.fee, q.acct, q.count = "310", clrType, int64(len(lines))*100, int64(len(lines))*100, int64(len(lines))
		q.no = k.upload(code, zipOf(b, "a.txt", strings.Join(lines, "\n")))
		return k.message("3201", code, q.total()), k.message("3202", code, q.detail())
	}
	for _, c := range []struct {
		name, code, clrType string
		lines               []string
	}{{"hospital", house, "11", own}, {"shop", shopCode, "41", linesOf(k.lines)}} {
		total, detail := ask(c.code, c.clrType, c.lines)
		b.Run(c.name+"/3201", func(b *testing.B) {
			for b.Loop() {
				k.send(pathCall, total).ok("stmtinfo.stmt_rslt", "0")
			}
		})
		b.Run(c.name+"/3202", func(b *testing.B) {
			b.ReportAllocs()
			for b.Loop() {
				k.send(pathCall, detail).ok()
			}
		})
	}
}

// setlIDs are the settlements that the answer of a batch call tells of.
func setlIDs(b *testing.B, resp *http.Response) (ids []string) {
	b.Helper()
	defer resp.Body.Close()
	for s := bufio.NewScanner(resp.Body); s.Scan(); {
		var x struct {
			SetlID string `json:"setl_id"`
		}
		if err := json.Unmarshal(s.Bytes(), &x); err != nil || x.SetlID == "" {
			b.Fatalf("%v: %s", err, s.Text())
		}
		ids = append(ids, x.SetlID)
	}
	return ids
}
