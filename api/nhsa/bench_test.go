package nhsa

import (
	"bytes"
	"fmt"
	"net"
	"sync"
	"testing"
	"time"

	"github.com/valyala/fasthttp"
)

// BenchmarkFaces sends settlements of the same bill over real connections to both faces by turns, each with a message id of its own, and
// tells how many a second each takes and the national face's share. Client and server are on the same cores.
func BenchmarkFaces(b *testing.B) {
	const callers, calls = 64, 2000
	f := start(b, setup{})
	f.shop()
	p := f.newPerson(true)
	f.credit(p, "90000000000.00")
	const mark = "MSGIDMSGIDMSGIDMSGIDMSGIDMSGID"
	national := []byte(sent{infno: "2102", msgid: mark, input: bought{who: p, total: "75.00", lines: threeLines}.input()}.body())
	ours := []byte(fmt.Sprintf(`{"msgid":%q,"fixmedins_code":%q,"psn_no":%q,"mdtrt_cert_type":"02","mdtrt_cert_no":%q,"med_type":"41","insutype":"310","medfee_sumamt":"75.00",`+
		`"fund_pay_sumamt":"0.00","preselfpay_amt":"3.72","inscp_scp_amt":"58.48","overlmt_selfpay":"2.80","fulamt_ownpay_amt":"10.00","opter":"1","opter_name":"甲"}`, mark, shopCode, p.psnNo, p.certno))
	client := &fasthttp.HostClient{Addr: f.server.BusinessAddr(), MaxConns: callers, Dial: func(addr string) (net.Conn, error) { return net.Dial("tcp", addr) }}
	defer client.CloseIdleConnections()
	serial := 0
	run := func(path string, body []byte, want string) time.Duration {
		at := bytes.Index(body, []byte(mark))
		first := serial
		serial += calls
		begin := time.Now()
		var wg sync.WaitGroup
		for c := range callers {
			wg.Go(func() {
				var req fasthttp.Request
				var resp fasthttp.Response
				req.SetRequestURI(f.business + path)
				req.Header.SetMethod("POST")
				req.Header.SetContentType("application/json")
				own := bytes.Clone(body)
				for i := first + c; i < first+calls; i += callers {
					copy(own[at:], fmt.Sprintf("B%029d", i))
					req.SetBodyRaw(own)
					if err := client.Do(&req, &resp); err != nil || !bytes.Contains(resp.Body(), []byte(want)) {
						b.Errorf("%s: %v %s", path, err, resp.Body())
						return
					}
				}
			})
		}
		wg.Wait()
		return time.Since(begin)
	}
	var v1, nhsa time.Duration
	rounds := 0
	for b.Loop() {
		v1 += run("/v1/settlements", ours, `"psn_cash_pay":"12.80"`)
		nhsa += run(pathCall, national, `"psn_cash_pay":12.80`)
		rounds++
	}
	rate := func(d time.Duration) float64 { return float64(rounds*calls) / d.Seconds() }
	b.ReportMetric(rate(v1), "v1/s")
	b.ReportMetric(rate(nhsa), "2102/s")
	b.ReportMetric(100*rate(nhsa)/rate(v1), "%ofv1")
	b.ReportMetric(0, "ns/op")
}
