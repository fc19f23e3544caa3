package api

import (
	"fmt"
	"maps"
	"runtime"
	"slices"
	"strings"
	"testing"

	"gongji/bench/proof"
)

// wireRow is one row of reliability.md 4.3: bytes in, answer out.
type wireRow struct {
	name   string
	raw    string
	status int
	code   Code
	closed bool // must be closed (✂ in the table, or the framing cannot be trusted)
}

// edit puts lines into a good request's header.
func edit(old, new string) string { return strings.Replace(good(), old, new, 1) }

func header(line string) string {
	return edit("Host: localhost\r\n", "Host: localhost\r\n"+line+"\r\n")
}

func manyHeaders(n int) string {
	var lines []string
	for i := range n {
		lines = append(lines, fmt.Sprintf("X-H%d: v", i))
	}
	return strings.Join(lines, "\r\n")
}

func wireRows() []wireRow {
	length := fmt.Sprintf("Content-Length: %d", len(goodBody))
	chunked := "POST /v1/settlements HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/json\r\nTransfer-Encoding: chunked\r\n\r\n"
	return []wireRow{
		// Transfer-Encoding
		{"CL and TE", header("Transfer-Encoding: chunked"), 411, CodeLengthRequired, true},
		{"TE before CL, other case", edit("Content-Length", "tRANSFER-eNCODING: chunked\r\nContent-Length"), 411, CodeLengthRequired, true},
		{"TE chunked", chunked + fmt.Sprintf("%x\r\n%s\r\n0\r\n\r\n", len(goodBody), goodBody), 411, CodeLengthRequired, true},
		{"TE chunked and empty", chunked + "0\r\n\r\n", 411, CodeLengthRequired, true},
		{"TE chunked, endless", chunked + "ffffffff\r\nxxxx", 411, CodeLengthRequired, true},
		{"TE identity", header("Transfer-Encoding: identity"), 411, CodeLengthRequired, true},
		{"TE gzip", header("Transfer-Encoding: gzip"), 400, CodeBadRequest, true},
		{"two TE", header("Transfer-Encoding: chunked\r\nTransfer-Encoding: chunked"), 400, CodeBadRequest, true},
		{"TE list", header("Transfer-Encoding: gzip, chunked"), 400, CodeBadRequest, true},
		{"chunked on HTTP/1.0", strings.Replace(header("Transfer-Encoding: chunked"), "HTTP/1.1", "HTTP/1.0", 1), 400, CodeBadRequest, true},
		// Content-Length
		{"two equal CL", header(length), 400, CodeBadRequest, true},
		{"two CL", header("Content-Length: 1"), 400, CodeBadRequest, true},
		{"CL list", edit(length, length+", "+length[16:]), 400, CodeBadRequest, true},
		{"CL negative", edit(length, "Content-Length: -1"), 400, CodeBadRequest, true},
		{"CL +2", edit(length, "Content-Length: +2"), 400, CodeBadRequest, true},
		{"CL huge", edit(length, "Content-Length: 21000000000000000000"), 400, CodeBadRequest, true},
		{"CL hex", edit(length, "Content-Length: 0x10"), 400, CodeBadRequest, true},
		{"CL empty", edit(length, "Content-Length: "), 400, CodeBadRequest, true},
		{"CL full-width", edit(length, "Content-Length: ７８"), 400, CodeBadRequest, true},
		{"CL with a tail", edit(length, length+"x"), 400, CodeBadRequest, true},
		// Header syntax
		{"no Host", edit("Host: localhost\r\n", ""), 400, CodeBadRequest, true},
		{"empty Host", edit("Host: localhost", "Host: "), 400, CodeBadRequest, true},
		{"two Hosts", header("Host: localhost"), 400, CodeBadRequest, true},
		{"space before colon", header("X-A : b"), 400, CodeBadRequest, true},
		{"bad header before a large body", strings.Replace(request("POST", "/v1/settlements", "application/json",
			strings.Repeat(" ", BusinessBodyMax)), "Host: localhost\r\n", "Host: localhost\r\nX-A : b\r\n", 1), 400, CodeBadRequest, true},
		{"space in name", header("X A: b"), 400, CodeBadHeader, true},
		{"bare LF in header", header("X-A: b\nX-B: c"), 400, CodeBadHeader, true},
		{"bare LF hides TE", header("X-A: b\nTransfer-Encoding: chunked"), 400, CodeBadHeader, true},
		{"bare CR", header("X-A: b\rc"), 400, CodeBadRequest, true},
		{"NUL in value", header("X-A: b\x00c"), 400, CodeBadRequest, true},
		{"control in value", header("X-A: b\x01c"), 400, CodeBadRequest, true},
		{"control in name", header("X\x01A: b"), 400, CodeBadRequest, true},
		{"no colon", header("X-A"), 400, CodeBadRequest, true},
		{"empty name", header(": b"), 400, CodeBadRequest, true},
		{"obs-fold", header("X-A: b\r\n c"), 400, CodeBadHeader, true},
		{"obs-fold with tab", header("X-A: b\r\n\tc"), 400, CodeBadHeader, true},
		{"obs-fold that hides a name", header("X-A: b\r\n\tX-B: c"), 400, CodeBadHeader, true},
		{"fold in first line", edit("Host: localhost", " Host: localhost"), 400, CodeBadRequest, true},
		{"two Content-Types", header("Content-Type: text/plain"), 400, CodeBadHeader, true},
		{"two traceparents", header("traceparent: a\r\nTraceparent: b"), 400, CodeBadHeader, true},
		// Request line
		{"HTTP/1.2", edit("HTTP/1.1", "HTTP/1.2"), 400, CodeBadVersion, true},
		{"HTTP/1.0", edit("HTTP/1.1", "HTTP/1.0"), 400, CodeBadVersion, true},
		{"HTTP/2.0", edit("HTTP/1.1", "HTTP/2.0"), 400, CodeBadVersion, true},
		{"http/1.1", edit("HTTP/1.1", "http/1.1"), 400, CodeBadRequest, true},
		{"no version", edit(" HTTP/1.1", ""), 400, CodeBadRequest, true},
		{"absolute URI of another host", edit("POST /v1", "POST http://evil.example/v1"), 400, CodeBadTarget, true},
		{"absolute URI of this host", edit("POST /v1", "POST http://localhost/v1"), 400, CodeBadTarget, true},
		{"no slash", edit("POST /v1", "POST v1"), 400, CodeBadRequest, true},
		{"asterisk", edit("POST /v1/settlements", "OPTIONS *"), 400, CodeBadTarget, true},
		{"CONNECT", edit("POST /v1/settlements", "CONNECT localhost:443"), 400, CodeBadTarget, true},
		{"not HTTP", "\x16\x03\x01\x02\x00\x01\x00\r\n\r\n", 400, CodeBadRequest, true},
		{"HTTP/2 preface", "PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n", 400, CodeBadRequest, true},
		// Sizes
		{"51 headers", header(manyHeaders(HeadersMax - 2)), 431, CodeHeaderTooLarge, true},
		{"header line of 9 KB", header("X-A: " + strings.Repeat("a", 9000)), 431, CodeHeaderTooLarge, true},
		{"header of 64 KB", header("X-A: " + strings.Repeat("a", 64<<10)), 431, CodeHeaderTooLarge, true},
		{"URL over 1 KB", edit("/v1/settlements", "/v1/settlements?a="+strings.Repeat("1", URLBytesMax)), 414, CodeURLTooLong, true},
		{"URL of 10 KB", edit("/v1/settlements", "/v1/"+strings.Repeat("a", 10000)), 414, CodeURLTooLong, true},
		{"body over 64 KB", request("POST", "/v1/settlements", "application/json", strings.Repeat(" ", BusinessBodyMax+1)), 413, CodeBodyTooLarge, true},
		{"body of 1 GB announced", edit(length, "Content-Length: 1000000000"), 413, CodeBodyTooLarge, true},
		{"body beyond int32", edit(length, "Content-Length: 5000000000"), 413, CodeBodyTooLarge, true},
		{"batch over 1 MB", request("POST", "/v1/settlements/batch", "application/x-ndjson", strings.Repeat("\n", BatchBodyMax+1)), 413, CodeBodyTooLarge, true},
		// Methods and paths
		{"PUT", edit("POST", "PUT"), 405, CodeMethod, false},
		{"DELETE", edit("POST", "DELETE"), 405, CodeMethod, false},
		{"HEAD", "HEAD /v1/settlements/batch HTTP/1.1\r\nHost: localhost\r\n\r\n", 405, CodeMethod, false},
		{"OPTIONS", "OPTIONS /v1/settlements HTTP/1.1\r\nHost: localhost\r\n\r\n", 405, CodeMethod, false},
		{"small letters", edit("POST", "post"), 405, CodeMethod, false},
		{"unknown method", edit("POST", "BREW"), 405, CodeMethod, false},
		{"GET on a POST path", request("GET", "/v1/settlements/batch", "", ""), 405, CodeMethod, false},
		{"GET with a body", request("GET", "/v1/settlements", "application/json", goodBody), 405, CodeMethod, false},
		{"GET with a body on a POST path", request("GET", "/v1/echo", "application/json", goodBody), 405, CodeMethod, false},
		{"DELETE with a body", request("DELETE", "/v1/settlements/batch", "application/x-ndjson", goodBody), 405, CodeMethod, false},
		{"TRACE", edit("POST", "TRACE"), 405, CodeMethod, false},
		{"unknown path", edit("/v1/settlements", "/v1/nothing"), 404, CodeNotFound, false},
		{"path in other case", edit("/v1/settlements", "/v1/Settlements"), 404, CodeNotFound, false},
		{"slash at the end", edit("/v1/settlements", "/v1/settlements/"), 404, CodeNotFound, false},
		{"two slashes", edit("/v1/settlements", "//v1/settlements"), 404, CodeNotFound, false},
		{"dots", edit("/v1/settlements", "/v1/x/../settlements"), 404, CodeNotFound, false},
		{"percent", edit("/v1/settlements", "/v1/settlement%73"), 404, CodeNotFound, false},
		{"percent in parameter", request("GET", "/v1/settlements/S%31", "", ""), 404, CodeNotFound, false},
		{"empty parameter", request("GET", "/v1/persons//members", "", ""), 404, CodeNotFound, false},
		{"deep path", request("GET", strings.Repeat("/a", 400), "", ""), 404, CodeNotFound, false},
		// Media types
		{"no Content-Type", edit("Content-Type: application/json\r\n", ""), 415, CodeMediaType, false},
		{"text/plain", edit("application/json", "text/plain"), 415, CodeMediaType, false},
		{"form", edit("application/json", "application/x-www-form-urlencoded"), 415, CodeMediaType, false},
		{"multipart", edit("application/json", "multipart/form-data; boundary=x"), 415, CodeMediaType, false},
		{"GBK", edit("application/json", "application/json; charset=GBK"), 415, CodeMediaType, false},
		{"JSON to a batch", edit("/v1/settlements", "/v1/settlements/batch"), 415, CodeMediaType, false},
		{"Content-Encoding", header("Content-Encoding: gzip"), 415, CodeContentEncoding, true},
		{"Content-Encoding identity", header("content-encoding: identity"), 415, CodeContentEncoding, true},
		// Expect, Upgrade, Host
		{"Expect", header("Expect: 100-continue"), 417, CodeExpect, true},
		{"Expect other", header("expect: something"), 417, CodeExpect, true},
		{"Upgrade", header("Connection: Upgrade\r\nUpgrade: h2c"), 400, CodeUpgradeRefused, true},
		{"Host of another", edit("Host: localhost", "Host: evil.example"), 421, CodeWrongHost, false},
		{"Host with a trick", edit("Host: localhost", "Host: localhost:80@evil.example"), 421, CodeWrongHost, false},
		{"Host like an own one", edit("Host: localhost", "Host: localhost.evil.example"), 421, CodeWrongHost, false},
		{"Host without port number", edit("Host: localhost", "Host: localhost:"), 421, CodeWrongHost, false},
		// JSON (the rest of the rows is in package strictjson)
		{"duplicate key", strings.Replace(good(), `"psn_no":`, `"msgid" :`, 1), 400, CodeDuplicateField, false},
		{"wrong case", strings.Replace(good(), `"psn_no"`, `"PSN_NO"`, 1), 400, CodeUnknownField, false},
		{"number as money", strings.Replace(good(), `"184.00"`, `18400.00`, 1), 400, CodeWrongType, false},
		{"exponent", strings.Replace(good(), `"184.00"`, `"1.8e02"`, 1)[:len(good())], 400, CodeAmountBad, false},
		{"three decimals", strings.Replace(good(), `"184.00"`, `"84.000"`, 1), 400, CodeAmountDecimals, false},
		{"negative", strings.Replace(good(), `"184.00"`, `"-84.00"`, 1), 400, CodeAmountNegative, false},
		{"null", strings.Replace(good(), `"184.00"`, `null    `, 1), 400, CodeNull, false},
		{"trailing data", strings.Replace(good(), `,"opter_name":"王芳"}`, `} {"opter_name":"王芳`, 1), 400, CodeTrailingData, false},
		{"lone surrogate", strings.Replace(good(), `王芳`, `\ud800`, 1), 400, CodeBadUTF8, false},
		{"unknown field", strings.Replace(good(), `"psn_no"`, `"psn_on"`, 1), 400, CodeUnknownField, false},
		{"bad UTF-8", strings.Replace(good(), `王芳`, "\xff\xfe\xff\xfe\xff\xfe", 1), 400, CodeBadUTF8, false},
		{"minus zero", request("POST", "/v1/settlements", "application/json", strings.Replace(goodBody, `184.00`, `-0.00`, 1)), 400, CodeAmountNegative, false},
		{"full-width digits", strings.Replace(good(), `"184.00"`, `"１1.0"`, 1), 400, CodeAmountBad, false},
		{"space", strings.Replace(good(), `"184.00"`, `" 84.00"`, 1), 400, CodeAmountBad, false},
		{"amount over 2^63", request("POST", "/v1/settlements", "application/json", strings.Replace(goodBody, `184.00`, `92233720368547758.08`, 1)), 400, CodeAmountTooLarge, false},
		{"deep", request("POST", "/v1/settlements", "application/json", strings.Replace(goodBody, `"184.00"`, strings.Repeat("[", 20_000), 1)), 400, CodeWrongType, false},
	}
}

// TestWireCorpus sends each row over a real connection to both listeners: the business one reads bodies
// first, the admin one streams them, and both must say the same.
func TestWireCorpus(t *testing.T) {
	l := proof.New("T19", "wire")
	f := start(t)
	statuses, effects, sent, heap := map[int]int64{}, f.effects.Load(), int64(0), heapWatch{}
	heap.begin()
	for listener, addr := range map[string]string{"business": f.BusinessAddr(), "admin": f.AdminAddr()} {
		for _, row := range wireRows() {
			t.Run(listener+"/"+row.name, func(t *testing.T) {
				before := f.effects.Load()
				c := dial(t, addr)
				c.send(row.raw)
				a := c.readMaybeHead(strings.HasPrefix(row.raw, "HEAD"))
				sent++
				statuses[a.status]++
				heap.look()
				if a.status != row.status {
					t.Errorf("status %d %s, want %d", a.status, a.body, row.status)
				}
				if !strings.HasPrefix(row.raw, "HEAD") && a.code() != string(row.code) {
					t.Errorf("code %q, want %q", a.code(), row.code)
				}
				if f.effects.Load() != before {
					t.Error("the request had an effect")
				}
				if !row.closed {
					if a.closed {
						t.Error("connection closed without need")
					}
					c.send(good())
					if a := c.read(); a.status != 200 {
						t.Errorf("next request on the connection: %d %s", a.status, a.body)
					}
					effects++ // its own
					return
				}
				if !a.closed {
					t.Error("no Connection: close")
				}
				if err := c.atEnd(); err != nil {
					t.Error(err)
				}
			})
		}
	}
	for _, status := range slices.Sorted(maps.Keys(statuses)) {
		l.Word(fmt.Sprint("status", status), statuses[status])
	}
	l.AtLeast("rows", sent, int64(2*len(wireRows()))).Zero("accepted", statuses[200]+statuses[201]).Zero("effects", f.effects.Load()-effects).
		Zero("grown64MB", int64(heap.grown>>26)).Word("grown", heap.grown).Print(t)
}

// heapWatch is how much memory a test took at most, in bytes beyond its beginning: buffers of requests, answers and clients together.
type heapWatch struct{ base, grown uint64 }

func (h *heapWatch) begin() {
	runtime.GC()
	h.base = inUse()
}

func (h *heapWatch) look() {
	if n := inUse(); n > h.base {
		h.grown = max(h.grown, n-h.base)
	}
}

func inUse() uint64 {
	var m runtime.MemStats
	runtime.ReadMemStats(&m)
	return m.HeapInuse + m.StackInuse
}

// TestSmuggledRequest: what follows a refused request on its connection is never executed.
func TestSmuggledRequest(t *testing.T) {
	f := start(t)
	for _, addr := range []string{f.BusinessAddr(), f.AdminAddr()} {
		for _, row := range wireRows() {
			if !row.closed || strings.Contains(row.name, "announced") {
				continue
			}
			before := f.effects.Load()
			c := dial(t, addr)
			c.send(row.raw + good() + good())
			if a := c.read(); a.status != row.status {
				t.Errorf("%s: status %d, want %d", row.name, a.status, row.status)
			}
			if err := c.atEnd(); err != nil {
				t.Errorf("%s: %v", row.name, err)
			}
			if got := f.effects.Load(); got != before {
				t.Errorf("%s: a request behind the refused one was executed", row.name)
			}
		}
	}
}

// TestWireAccepts is the other side: what must pass.
func TestWireAccepts(t *testing.T) {
	f := start(t, func(o *Options) { o.AllowedHosts = []string{"Gateway.Local"} })
	for _, row := range []struct{ name, raw string }{
		{"plain", good()},
		{"charset", edit("application/json", "application/json; charset=UTF-8")},
		{"charset in quotes", edit("application/json", `Application/JSON ;charset="utf-8"`)},
		{"other case of names", strings.NewReplacer("Host:", "hOST:", "Content-Type", "content-TYPE").Replace(good())},
		{"50 headers", header(manyHeaders(HeadersMax - 3))},
		{"header of 7 KB", header("X-A: " + strings.Repeat("a", 7000))},
		{"Host with port", edit("Host: localhost", "Host: 127.0.0.1:8700")},
		{"Host in IPv6", edit("Host: localhost", "Host: [::1]:8700")},
		{"allowed Host", edit("Host: localhost", "Host: gateway.LOCAL:443")},
		{"query of 1 KB", request("GET", "/v1/settlements?a="+strings.Repeat("1", 1000), "", "")},
		{"body of 64 KB", request("POST", "/v1/settlements", "application/json", goodBody+strings.Repeat(" ", BusinessBodyMax-len(goodBody)))},
		{"batch of 1 MB", request("POST", "/v1/settlements/batch", "application/x-ndjson", strings.Repeat("\n", BatchBodyMax))},
		{"file of 16 MB", request("POST", "/fsi/file", "application/octet-stream", strings.Repeat("x", NationalFileMax))},
		{"national as text", request("POST", "/fsi/call", "text/plain;charset=UTF-8", "{}")},
		{"empty line before", "\r\n" + good()},
	} {
		for listener, addr := range map[string]string{"business": f.BusinessAddr(), "admin": f.AdminAddr()} {
			c := dial(t, addr)
			c.send(row.raw)
			if a := c.read(); a.status != 200 || a.closed {
				t.Errorf("%s/%s: %d %s closed %v", listener, row.name, a.status, a.body, a.closed)
			}
		}
	}
}

// TestPipelined: answers come in order and each belongs to its request.
func TestPipelined(t *testing.T) {
	f := start(t)
	c := dial(t, f.BusinessAddr())
	var all strings.Builder
	const n = 200
	for i := range n {
		body := strings.Replace(goodBody, `"M1"`, fmt.Sprintf(`"M%d"`, i), 1)
		all.WriteString(request("POST", "/v1/settlements", "application/json", body))
	}
	go c.Write([]byte(all.String()))
	seen := map[string]bool{}
	for i := range n {
		a := c.read()
		if want := fmt.Sprintf(`{"msgid":"M%d","acct_pay":"184.00"}`, i); a.status != 200 || a.body != want {
			t.Fatalf("answer %d is %d %s, want %s", i, a.status, a.body, want)
		}
		seen[a.header.Get("X-Request-Id")] = true
	}
	if len(seen) != n {
		t.Fatalf("%d request ids for %d requests", len(seen), n)
	}
}
