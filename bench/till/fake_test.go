package till

import (
	"encoding/json"
	"fmt"
	"io"
	"mime"
	"net/http"
	"net/http/httptest"
	"os"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"
)

// centre is a platform small enough to be seen through: it keeps a book of its own, which the tests hold against the till's. It shares no code with
// the package: amounts are read and kept here in its own way.
type centre struct {
	*httptest.Server
	mu        sync.Mutex
	people    map[string]*citizen // by identity number
	answers   map[string]*known   // by msgid
	blocked   map[string]bool
	signedOut map[string]bool
	deals     map[string]*deal // by setl_id
	visits    map[string]*visitAt
	files     map[string][]byte
	arrived   map[string]int // msgid -> how often it came
	bookOf    string         // file of the till's book: a trade must be in it when it arrives
	faults    []string       // promises of the till that were broken
	serial    int

	zero           string // stmt_rslt of level books
	cancelsReverse bool   // 2601 of an executed cancel debits again (R11)
	no3201         bool
	reused         string // infno whose next message finds its msgid used by another
	twisted        int64  // added to acct_pay in 3201's comparison
}

type citizen struct {
	psn, name, certno, insutype, area string
	balance                           int64
}

type known struct {
	input string // without times
	body  []byte
	setl  string // of a settlement
}

type deal struct {
	setl, mdtrt, msgid, infno string
	who                       *citizen
	medfee, acct, cash        int64
	clr                       string
	void, cancelled           bool
	cancelMsgid               string
	lines                     []any
}

type visitAt struct {
	who     *citizen
	lines   map[string]map[string]any
	settled string
	gone    bool
	ended   bool
}

func newCentre(t *testing.T, people ...*citizen) *centre {
	c := &centre{people: map[string]*citizen{}, answers: map[string]*known{}, blocked: map[string]bool{}, signedOut: map[string]bool{}, deals: map[string]*deal{}, visits: map[string]*visitAt{},
		files: map[string][]byte{}, arrived: map[string]int{}, zero: "0"}
	for _, p := range people {
		c.people[p.certno] = p
	}
	c.Server = httptest.NewServer(c)
	t.Cleanup(func() {
		c.Close()
		for _, f := range c.faults {
			t.Error(f)
		}
	})
	return c
}

type refusal string

func (c *centre) fault(format string, args ...any) {
	c.faults = append(c.faults, fmt.Sprintf(format, args...))
}

func (c *centre) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	body, file, err := readCall(r)
	if err != nil {
		http.Error(w, "broken request", http.StatusBadRequest)
		return
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	var env map[string]any
	if json.Unmarshal(body, &env) != nil {
		http.Error(w, "no JSON", http.StatusBadRequest)
		return
	}
	infno, msgid := str(env, "infno"), str(env, "msgid")
	c.watch(infno, msgid)
	input, _ := env["input"].(map[string]any)
	c.measure(infno, env)
	_, known := c.answers[msgid]
	answer := c.answer(env, infno, msgid, input, file)
	if _, refused := answer.(refusal); known && !refused {
		w.Header().Set("Idempotency-Replayed", "true")
	}
	if raw, isFile := answer.([]byte); isFile {
		w.Header().Set("Content-Type", "application/octet-stream")
		w.Write(raw)
		return
	}
	w.Header().Set("Content-Type", "application/json")
	w.Write(c.reply(answer))
}

func (c *centre) reply(answer any) []byte {
	out := map[string]any{"infcode": 0, "inf_refmsgid": "R", "err_msg": "", "output": answer}
	if why, refused := answer.(refusal); refused {
		out["infcode"], out["err_msg"], out["output"] = "-1", string(why), nil
	}
	b, _ := json.Marshal(out)
	return b
}

// readCall reads a plain message or a multipart one.
func readCall(r *http.Request) (body, file []byte, err error) {
	kind, _, _ := mime.ParseMediaType(r.Header.Get("Content-Type"))
	if kind != "multipart/form-data" {
		body, err = io.ReadAll(r.Body)
		return body, nil, err
	}
	if err := r.ParseMultipartForm(1 << 20); err != nil {
		return nil, nil, err
	}
	f, _, err := r.FormFile("file")
	if err != nil {
		return nil, nil, err
	}
	defer f.Close()
	file, err = io.ReadAll(f)
	return []byte(r.FormValue("jsonStr")), file, err
}

// watch holds the till to its two promises: what moves money is in its synced book before it is sent, and is sent once.
func (c *centre) watch(infno, msgid string) {
	c.arrived[msgid]++
	if !strings.Contains("2102 2103 2207 2208 2304 2305 2401", infno) {
		return
	}
	if c.arrived[msgid] > 1 {
		c.fault("%s %s was sent %d times", infno, msgid, c.arrived[msgid])
	}
	book, err := os.ReadFile(c.bookOf)
	if err != nil || !strings.Contains(string(book), msgid) {
		c.fault("%s %s is not in the book when it is sent (%v)", infno, msgid, err)
	}
}

// lengths of the tables in which a till's own numbers stand (nhsa-interface.md 1.2, 1.9).
var lengths = map[string]int{"msgid": 30, "invono": 20, "chrg_bchno": 30, "ipt_otp_no": 30, "ipt_no": 30, "mdtrt_id": 30, "psn_no": 30, "dept_code": 30, "caty": 10, "opter": 30,
	"medins_list_codg": 150, "fixmedins_name": 20, "sign_no": 30, "dscg_bed": 30, "adm_bed": 30, "feedetl_sn": 15, "filename": 200, "file_qury_no": 30, "opter_no": 20, "mac": 20, "ip": 20}

// measure looks at the length of everything in a message.
func (c *centre) measure(infno string, v any) {
	switch v := v.(type) {
	case map[string]any:
		for name, x := range v {
			if text, isText := x.(string); isText && lengths[name] > 0 && len([]rune(text)) > lengths[name] {
				c.fault("%s: %s has %d characters, the table %d", infno, name, len([]rune(text)), lengths[name])
			}
			c.measure(infno, x)
		}
	case []any:
		for _, x := range v {
			c.measure(infno, x)
		}
	}
}

// answer handles repeats and blocked messages, and hands the rest on.
func (c *centre) answer(env map[string]any, infno, msgid string, input map[string]any, file []byte) any {
	bare, _ := json.Marshal(env["input"])
	if infno == c.reused {
		c.reused, c.answers[msgid] = "", &known{input: "another's"}
	}
	if k := c.answers[msgid]; k != nil {
		if k.input != string(bare) {
			return refusal("[id_reused] 请更换新的msgid")
		}
		var out map[string]any
		json.Unmarshal(k.body, &out)
		return out
	}
	if c.blocked[msgid] {
		return refusal("[blocked] 该报文ID已被冲正")
	}
	out := c.handle(env, infno, msgid, input, file)
	if m, ok := out.(map[string]any); ok {
		b, _ := json.Marshal(m)
		k := &known{input: string(bare), body: b}
		if info, ok := m["setlinfo"].(map[string]any); ok && strings.Contains("2102 2207 2304", infno) {
			k.setl = str(info, "setl_id")
		}
		c.answers[msgid] = k
	}
	return out
}

func (c *centre) handle(env map[string]any, infno, msgid string, input map[string]any, file []byte) any {
	data, _ := input["data"].(map[string]any)
	switch infno {
	case "9001":
		return map[string]any{"signinoutb": map[string]any{"sign_time": today(), "sign_no": "S" + msgid[12:]}}
	case "9002":
		in, _ := input["signOut"].(map[string]any)
		if c.signedOut[str(in, "sign_no")] {
			return refusal("[sign_no] 已签退")
		}
		c.signedOut[str(in, "sign_no")] = true
		return map[string]any{"sign_time": map[string]any{"sign_time": today()}}
	case "1101":
		p := c.people[str(data, "mdtrt_cert_no")]
		if p == nil {
			return refusal("[unknown_credential] data.mdtrt_cert_no：未查到")
		}
		return map[string]any{"baseinfo": map[string]any{"psn_no": p.psn, "psn_cert_type": "01", "certno": p.certno, "psn_name": p.name, "gend": "1", "age": 40},
			"insuinfo": []any{map[string]any{"balc": yuanOf(p.balance), "insutype": p.insutype, "psn_type": "11", "psn_insu_stas": "1", "insuplc_admdvs": p.area}}, "idetinfo": []any{}}
	case "2001":
		return map[string]any{"trtinfo": []any{}}
	case "2101", "2102", "2206", "2207", "2303", "2304":
		return c.settle(env, infno, msgid, input)
	case "2103", "2208", "2305":
		return c.cancel(infno, msgid, data)
	case "2601":
		return c.reverse(data)
	case "3201":
		if c.no3201 {
			return refusal("[not_supported] infno：暂不支持该交易")
		}
		return c.totals(data)
	case "3202":
		return c.details(data)
	case "5203":
		d := c.deals[str(data, "setl_id")]
		if d == nil || d.who.psn != str(data, "psn_no") || d.mdtrt != str(data, "mdtrt_id") {
			return refusal("[not_found] data.setl_id")
		}
		flag := map[bool]string{false: "0", true: "1"}[d.cancelled || d.void]
		return map[string]any{"setlinfo": map[string]any{"setl_id": d.setl, "insutype": d.who.insutype, "refd_setl_flag": flag}}
	case "9101":
		c.serial++
		no := fmt.Sprint("F", c.serial)
		c.files[no] = file
		return map[string]any{"file_qury_no": no, "filename": "x", "fixmedins_code": str(env, "fixmedins_code")}
	case "9102":
		in, _ := input["fsDownloadIn"].(map[string]any)
		return c.files[str(in, "file_qury_no")]
	}
	return c.visit(infno, input, data)
}

// settle takes all lines as the patient's part: his account pays, the rest is cash.
func (c *centre) settle(env map[string]any, infno, msgid string, input map[string]any) any {
	head, _ := input["data"].(map[string]any)
	lines, _ := input["drugdetail"].([]any)
	trial := strings.Contains("2101 2206 2303", infno)
	mdtrt, clr := "", "41"
	if infno[:2] == "21" {
		head, _ = input["druginfo"].(map[string]any)
		c.serial++
		mdtrt = fmt.Sprint("D", c.serial)
	} else {
		mdtrt, clr = str(head, "mdtrt_id"), map[string]string{"22": "11", "23": "21"}[infno[:2]]
		v := c.visits[mdtrt]
		if v == nil || v.gone || v.who.psn != str(head, "psn_no") || v.settled != "" {
			return refusal("[wrong_visit] data.mdtrt_id")
		}
		for _, l := range v.lines {
			lines = append(lines, l)
		}
	}
	p := c.people[str(head, "certno")]
	sum := int64(0)
	for _, l := range lines {
		sum += fenOf(str(l.(map[string]any), "det_item_fee_sumamt"))
	}
	if p == nil || p.psn != str(head, "psn_no") || sum != fenOf(str(head, "medfee_sumamt")) || len(lines) == 0 {
		return refusal("[amount_parts] medfee_sumamt")
	}
	if infno == "2207" && fenOf(str(head, "inscp_scp_amt")) != sum {
		return refusal("[amount_parts] inscp_scp_amt")
	}
	acct := min(sum, p.balance)
	d := &deal{mdtrt: mdtrt, msgid: msgid, infno: infno, who: p, medfee: sum, acct: acct, cash: sum - acct, clr: clr, lines: lines}
	if !trial {
		c.serial++
		d.setl = fmt.Sprint("S", c.serial)
		p.balance -= acct
		c.deals[d.setl] = d
		if v := c.visits[mdtrt]; v != nil {
			v.settled = d.setl
		}
	}
	out := d.info(p.balance - map[bool]int64{true: acct}[trial])
	var cut []any
	for i, l := range lines {
		m := l.(map[string]any)
		cut = append(cut, map[string]any{"feedetl_sn": fmt.Sprint(i + 1), "det_item_fee_sumamt": m["det_item_fee_sumamt"], "cnt": m["cnt"], "pric": m["pric"]})
	}
	if infno[:2] == "21" {
		out["detlcutinfo"] = cut
	}
	return out
}

func (d *deal) info(balance int64) map[string]any {
	info := map[string]any{"mdtrt_id": d.mdtrt, "psn_no": d.who.psn, "insutype": d.who.insutype, "clr_type": d.clr, "clr_optins": d.who.area, "setl_time": today() + " 10:00:00",
		"medins_setl_id": d.msgid, "medfee_sumamt": yuanOf(d.medfee), "inscp_scp_amt": yuanOf(d.medfee), "fund_pay_sumamt": "0", "psn_part_amt": yuanOf(d.medfee),
		"acct_pay": json.Number(yuanOf(d.acct)), "acct_mulaid_pay": 0, "psn_cash_pay": yuanOf(d.cash), "balc": yuanOf(balance)}
	if d.setl != "" {
		info["setl_id"] = d.setl
	}
	return map[string]any{"setlinfo": info, "setldetail": []any{}}
}

func (c *centre) cancel(infno, msgid string, data map[string]any) any {
	d := c.deals[str(data, "setl_id")]
	if d == nil || d.void || d.mdtrt != str(data, "mdtrt_id") || d.who.psn != str(data, "psn_no") || d.infno[:2] != infno[:2] {
		return refusal("[not_found] data.setl_id")
	}
	if d.cancelled {
		return refusal("[already_reversed] 已撤销")
	}
	d.cancelled, d.cancelMsgid = true, msgid
	d.who.balance += d.acct
	if v := c.visits[d.mdtrt]; v != nil {
		v.settled = ""
	}
	out := d.info(d.who.balance)
	if info := out["setlinfo"].(map[string]any); infno == "2208" {
		info["pdn_cash_pay"] = info["psn_cash_pay"]
		delete(info, "psn_cash_pay")
	}
	return out
}

func (c *centre) reverse(data map[string]any) any {
	id := str(data, "omsgid")
	for _, d := range c.deals {
		switch {
		case d.msgid == id && d.infno != str(data, "oinfno"):
			return refusal("[wrong_original_kind] data.oinfno")
		case d.msgid == id && d.cancelled:
			return refusal("[already_reversed] 已撤销")
		case d.msgid == id:
			if !d.void {
				d.void = true
				d.who.balance += d.acct
				if v := c.visits[d.mdtrt]; v != nil {
					v.settled = ""
				}
			}
			return map[string]any{}
		case d.cancelMsgid == id && !c.cancelsReverse:
			return refusal("[cancel_final] 结算撤销不能再冲正")
		case d.cancelMsgid == id:
			d.cancelled, d.cancelMsgid = false, ""
			d.who.balance -= d.acct
			if v := c.visits[d.mdtrt]; v != nil {
				v.settled = d.setl
			}
			return map[string]any{}
		}
	}
	if k := c.answers[id]; k != nil && str(data, "oinfno") == "2401" {
		var out struct{ Result struct{ Mdtrt_id string } }
		json.Unmarshal(k.body, &out)
		c.visits[out.Result.Mdtrt_id].gone = true
		delete(c.answers, id)
	}
	c.blocked[id] = true
	return map[string]any{}
}

func today() string { return time.Now().In(time.FixedZone("", 8*3600)).Format("2006-01-02") }

func str(m map[string]any, name string) string {
	switch v := m[name].(type) {
	case string:
		return v
	case float64:
		return strconv.FormatFloat(v, 'f', -1, 64)
	}
	return ""
}

// fenOf reads yuan by its digits, not as the package does.
func fenOf(s string) int64 {
	whole, part, _ := strings.Cut(s, ".")
	part = (part + "00")[:2]
	n, _ := strconv.ParseInt(strings.TrimPrefix(whole, "-")+part, 10, 64)
	if strings.HasPrefix(s, "-") {
		return -n
	}
	return n
}

func yuanOf(fen int64) string {
	sign := ""
	if fen < 0 {
		sign, fen = "-", -fen
	}
	return fmt.Sprintf("%s%d.%02d", sign, fen/100, fen%100)
}
