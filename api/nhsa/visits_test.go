package nhsa

import (
	"fmt"
	"math/rand/v2"
	"testing"

	"gongji/api/nhsa/catalogue"
)

// modelLine is a fee line of the oracle.
type modelLine struct {
	sn, init      int
	batch         string
	code          int // of modelCodes
	count         int64
	parts         [4]int64 // fulamt, overlmt, preselfpay, inscp
	setl          string   // "": unsettled
	returned      int64    // count, by returns that are there
	returnedParts [4]int64
}

func (l *modelLine) amount() int64 { return l.count * modelCodes[l.code].price }

// modelBill is a settlement that stands.
type modelBill struct {
	msgid       string
	own, mulaid int64
	interim     bool
}

// model is the oracle of one visit.
type model struct {
	*visit
	r            *rand.Rand
	lines        map[int]*modelLine
	bills        map[string]*modelBill
	final        string
	state        string // open, discharged, cancelled
	next         int
	own, lent    int64 // what the patient's and his mother's accounts hold
	lastTx       *transaction
	lastID       string
	lastRows     []with
	lastAnswer   string
	accepted     map[string]int
	codesRefused map[string]int
}

// modelCodes are of the demo catalogue, with prices in fen; the second is above its ceiling, the third outside.
var modelCodes = []struct {
	code  string
	price int64
}{{"XA01DEMO0001", 1250}, {"XA01DEMO0006", 2001}, {"UNKNOWN0001", 333}, {"XA01DEMO0009", 1999}, {"SA01DEMO0005", 18000}, {"CA01DEMO0002", 1501}}

func yuan(fen int64) string {
	sign := ""
	if fen < 0 {
		sign, fen = "-", -fen
	}
	return fmt.Sprintf("%s%d.%02d", sign, fen/100, fen%100)
}

func (m *model) row(l *modelLine) with {
	w := fee(l.batch, line{fmt.Sprint(l.sn), modelCodes[l.code].code, fmt.Sprint(l.count), yuan(modelCodes[l.code].price), yuan(l.amount())})
	if l.init != 0 {
		w["init_feedetl_sn"] = quote(fmt.Sprint(l.init))
	}
	return w
}

// do sends a message and compares what comes back with what the oracle says: "" or the code of the refusal.
func (m *model) do(want string, tx *transaction, rows ...with) *answer {
	m.f.t.Helper()
	msgid := m.f.msgid()
	a := m.send(msgid, tx, rows...)
	if want == "" {
		a.ok()
		m.accepted[tx.infno]++
	} else {
		a.refused(want, "")
		m.codesRefused[want]++
	}
	m.lastTx, m.lastID, m.lastRows, m.lastAnswer = tx, msgid, rows, fmt.Sprint(a.at("output"))
	if want != "" {
		m.lastTx = nil // one refused before the log may be accepted later
	}
	return a
}

func (m *model) outpatient() bool { return !m.stay }

// closed is what stands against a change of lines; "": nothing.
func (m *model) closed() string {
	switch {
	case m.state == "cancelled":
		return "visit_closed"
	case m.final != "":
		return "stay_settled"
	}
	return ""
}

func (m *model) upload() {
	want := m.closed()
	batch := ""
	if m.outpatient() {
		batch = fmt.Sprintf("B%d", m.r.IntN(3))
		for _, l := range m.lines {
			if l.batch == batch && l.setl != "" && want == "" {
				want = "batch_settled"
			}
		}
	}
	var lines []*modelLine
	var rows []with
	for range 1 + m.r.IntN(3) {
		m.next++
		l := &modelLine{sn: m.next, batch: batch, code: m.r.IntN(len(modelCodes)), count: 1 + m.r.Int64N(5)}
		p := catalogue.MustDemo().Classify(&catalogue.Line{Code: []byte(modelCodes[l.code].code), Count: l.count * 10_000, Price: modelCodes[l.code].price * 10_000, Amount: l.amount(), Day: int32(dayOf(noon))})
		l.parts = [4]int64{p.Fulamt, p.Overlmt, p.Preselfpay, p.Inscp}
		lines, rows = append(lines, l), append(rows, m.row(l))
	}
	a := m.do(want, m.uploadTx(), rows...)
	if want != "" {
		return
	}
	for i, l := range lines {
		if got := answeredParts(a, i); got != l.parts {
			m.f.t.Fatalf("line %d: parts %v, want %v", l.sn, got, l.parts)
		}
		m.lines[l.sn] = l
	}
}

func (m *model) uploadTx() *transaction {
	if m.stay {
		return &inpatientLines
	}
	return &outpatientLines
}

func answeredParts(a *answer, i int) (parts [4]int64) {
	for k, name := range []string{"fulamt_ownpay_amt", "overlmt_amt", "preselfpay_amt", "inscp_scp_amt"} {
		parts[k], _ = parseNumber([]byte(a.str(fmt.Sprintf("output.result.%d.%s", i, name))), 16, fen)
	}
	return parts
}

// pick is any line, or nil. Serials are walked in order so that a seed means one run.
func (m *model) pick(fits func(*modelLine) bool) *modelLine {
	var list []*modelLine
	for sn := 1; sn <= m.next; sn++ {
		if l := m.lines[sn]; l != nil && fits(l) {
			list = append(list, l)
		}
	}
	if len(list) == 0 {
		return nil
	}
	return list[m.r.IntN(len(list))]
}

// again uploads a line that is there: as it is, or changed.
func (m *model) again() {
	l := m.pick(func(*modelLine) bool { return true })
	if l == nil {
		return
	}
	want, row := m.closed(), m.row(l)
	if m.r.IntN(2) == 0 {
		row["memo"] = `"改"`
		if want == "" {
			want = "line_exists"
		}
	}
	a := m.do(want, m.uploadTx(), row)
	if want == "" && answeredParts(a, 0) != l.parts {
		m.f.t.Fatalf("line %d again: %v, was %v", l.sn, answeredParts(a, 0), l.parts)
	}
}

func (m *model) giveBack() {
	of := m.pick(func(l *modelLine) bool { return l.init == 0 && l.returned > 0 && l.returned < l.count })
	if of == nil || m.r.IntN(3) == 0 {
		of = m.pick(func(l *modelLine) bool { return l.init == 0 })
	}
	if of == nil || m.outpatient() {
		return
	}
	m.next++
	l := &modelLine{sn: m.next, init: of.sn, code: of.code, count: -1 - m.r.Int64N(of.count)}
	if rest := of.count - of.returned; rest > 0 && m.r.IntN(2) == 0 {
		l.count = -1 - m.r.Int64N(rest)
	}
	want := m.closed()
	switch {
	case want != "":
	case of.setl != "":
		want = "line_settled"
	case of.returned-l.count > of.count:
		want = "return_exceeds"
	}
	a := m.do(want, &inpatientLines, m.row(l))
	if want != "" {
		return
	}
	l.parts = answeredParts(a, 0)
	sum := int64(0)
	for i, v := range l.parts {
		sum += v
		of.returnedParts[i] -= v
		if v > 0 || of.returnedParts[i] > of.parts[i] {
			m.f.t.Fatalf("return %d of %d: %v of %v", l.sn, of.sn, of.returnedParts, of.parts)
		}
	}
	if of.returned -= l.count; sum != l.amount() || of.returned == of.count && of.returnedParts != of.parts {
		m.f.t.Fatalf("return %d of %d: %v, together %v of %v", l.sn, of.sn, l.parts, of.returnedParts, of.parts)
	}
	m.lines[l.sn] = l
}

func (m *model) drop(l *modelLine) {
	delete(m.lines, l.sn)
	if of := m.lines[l.init]; of != nil {
		of.returned += l.count
		for i, v := range l.parts {
			of.returnedParts[i] += v
		}
	}
}

func (m *model) remove() {
	want := ""
	if m.state == "cancelled" {
		want = "visit_closed"
	}
	if m.r.IntN(4) == 0 { // all
		tx, row := &outpatientLinesCancel, with{"chrg_bchno": `"0000"`}
		if m.stay {
			tx, row = &inpatientLinesCancel, with{"feedetl_sn": `"0000"`}
		}
		m.do(want, tx, row)
		for sn, l := range m.lines {
			if want == "" && l.setl == "" {
				delete(m.lines, sn)
			}
		}
		return
	}
	l := m.pick(func(*modelLine) bool { return true })
	if l == nil {
		return
	}
	if m.outpatient() {
		for _, o := range m.lines {
			if want == "" && o.batch == l.batch && o.setl != "" {
				want = "line_settled"
			}
		}
		m.do(want, &outpatientLinesCancel, with{"chrg_bchno": quote(l.batch)})
		for sn, o := range m.lines {
			if want == "" && o.batch == l.batch {
				delete(m.lines, sn)
			}
		}
		return
	}
	switch {
	case want != "":
	case l.setl != "":
		want = "line_settled"
	case l.returned != 0:
		want = "line_returned"
	}
	m.do(want, &inpatientLinesCancel, with{"feedetl_sn": quote(fmt.Sprint(l.sn))})
	if want == "" {
		m.drop(l)
	}
}

// settle previews and settles what is unsettled, and compares every figure.
func (m *model) settle() {
	batch := fmt.Sprintf("B%d", m.r.IntN(3))
	interim := m.r.IntN(3) > 0
	want := m.closed()
	var sum [4]int64
	var taken []*modelLine
	for _, l := range m.lines {
		switch {
		case m.outpatient() && l.batch != batch:
		case l.setl != "":
			if m.outpatient() && want == "" {
				want = "batch_settled"
			}
		default:
			taken = append(taken, l)
			for i, v := range l.parts {
				sum[i] += v
			}
		}
	}
	total := sum[0] + sum[1] + sum[2] + sum[3]
	switch {
	case total == 0 && len(taken) > 0:
		want = "amount_zero"
	case want == "" && len(taken) == 0:
		want, total = "no_lines", 100
	case total == 0:
		total = 100
	}
	row := with{"medfee_sumamt": yuan(total), "chrg_bchno": quote(batch), "mid_setl_flag": `"0"`}
	if interim {
		row["mid_setl_flag"] = `"1"`
	}
	pre, tx := &outpatientPreview, &outpatientSettle
	if m.stay {
		pre, tx = &inpatientPreview, &inpatientSettle
	}
	payable := sum[2] + sum[3]
	own := min(payable, m.own)
	lent := min(payable-own, m.lent)
	figures := []string{"setlinfo.medfee_sumamt", yuan(total), "setlinfo.acct_pay", yuan(own + lent), "setlinfo.acct_mulaid_pay", yuan(lent), "setlinfo.psn_cash_pay", yuan(total - own - lent),
		"setlinfo.balc", yuan(m.own - own), "setlinfo.fulamt_ownpay_amt", yuan(sum[0]), "setlinfo.inscp_scp_amt", yuan(sum[3])}
	a := m.do(want, pre, row)
	if want == "" {
		a.ok(figures...)
	}
	sent := with{}
	for i, name := range []string{"fulamt_ownpay_amt", "overlmt_selfpay", "preselfpay_amt", "inscp_scp_amt"} {
		sent[name] = yuan(sum[i])
	}
	if want == "" && m.r.IntN(5) == 0 {
		want = "amount_parts"
		sent["preselfpay_amt"], sent["inscp_scp_amt"] = yuan(sum[2]+1), yuan(sum[3]-1)
	}
	for k, v := range row {
		sent[k] = v
	}
	if a = m.do(want, tx, sent); want != "" {
		return
	}
	setl := a.ok(figures...).str("output.setlinfo.setl_id")
	m.own, m.lent = m.own-own, m.lent-lent
	m.bills[setl] = &modelBill{msgid: m.lastID, own: own, mulaid: lent, interim: interim}
	for _, l := range taken {
		l.setl = setl
	}
	if m.stay && !interim {
		m.final = setl
	}
}

// undo cancels or reverses a settlement.
func (m *model) undo() {
	for sn := 1; sn <= m.next; sn++ {
		l := m.lines[sn]
		if l == nil || l.setl == "" || m.r.IntN(3) > 0 {
			continue
		}
		setl := l.setl
		tx, other := &outpatientCancel, &inpatientCancel
		oinfno := "2207"
		if m.stay {
			tx, other, oinfno = other, tx, "2304"
		}
		m.do("not_found", other, with{"setl_id": quote(setl)})
		if m.r.IntN(2) == 0 {
			m.do("", tx, with{"setl_id": quote(setl)})
		} else {
			m.do("", &reversal, with{"omsgid": quote(m.bills[setl].msgid), "oinfno": quote(oinfno)})
		}
		b := m.bills[setl]
		m.own, m.lent = m.own+b.own, m.lent+b.mulaid
		delete(m.bills, setl)
		for _, l := range m.lines {
			if l.setl == setl {
				l.setl = ""
			}
		}
		if m.final == setl {
			m.final = ""
		}
		m.do("already_reversed", tx, with{"setl_id": quote(setl)})
		return
	}
}

// move discharges, takes a discharge back, or cancels the visit.
func (m *model) move() {
	settled := m.pick(func(l *modelLine) bool { return l.setl != "" }) != nil
	switch k := m.r.IntN(3); {
	case k == 0 && m.r.IntN(3) == 0:
		want := ""
		switch {
		case m.state != "open":
			want = "visit_closed"
		case settled:
			want = "visit_settled"
		}
		tx := &registrationCancel
		if m.stay {
			tx = &admissionCancel
		}
		m.do(want, tx)
		if want == "" {
			m.state, m.lines = "cancelled", map[int]*modelLine{}
		}
	case k == 1 && m.stay:
		if m.state != "open" {
			m.do("visit_closed", &discharge)
			return
		}
		m.do("", &discharge)
		m.state = "discharged"
	case k == 2 && m.stay:
		switch {
		case m.state != "discharged":
			m.do("not_discharged", &dischargeCancel)
		case m.final != "":
			m.do("stay_settled", &dischargeCancel)
		default:
			m.do("", &dischargeCancel)
			m.state = "open"
		}
	}
}

// repeat sends the last accepted message again: the same answer.
func (m *model) repeat() {
	if m.lastTx == nil || m.lastTx == &outpatientPreview || m.lastTx == &inpatientPreview {
		return
	}
	if a := m.send(m.lastID, m.lastTx, m.lastRows...).ok(); fmt.Sprint(a.at("output")) != m.lastAnswer {
		m.f.t.Fatalf("%s again: %s, was %s", m.lastTx.infno, a.at("output"), m.lastAnswer)
	}
}

// R3, R10, R14, R29: random visits beside an oracle: uploads, repeats, changed lines, returns, removals, previews, settlements, cancels, reversals, discharges.
func TestVisitsModel(t *testing.T) {
	const visits, steps = 60, 40
	f := start(t, setup{})
	f.hospital()
	accepted, codesRefused := map[string]int{}, map[string]int{}
	for n := range visits {
		seed := uint64(20260310 + n)
		son, mother := f.newPerson(true), f.newPerson(true)
		f.credit(son, "300.00")
		f.credit(mother, "500.00")
		f.bind(mother, son)
		m := &model{r: rand.New(rand.NewPCG(seed, 1)), lines: map[int]*modelLine{}, bills: map[string]*modelBill{}, state: "open", own: 30_000, lent: 50_000, accepted: accepted, codesRefused: codesRefused}
		if n%3 == 0 {
			m.visit = f.registered(son)
		} else {
			m.visit = f.admitted(son)
		}
		ops := []func(){m.upload, m.upload, m.upload, m.again, m.giveBack, m.giveBack, m.remove, m.settle, m.settle, m.undo, m.move, m.repeat, m.repeat}
		for range steps {
			ops[m.r.IntN(len(ops))]()
			if got := f.balance(son); got != yuan(m.own) {
				t.Fatalf("seed %d: %s left, want %s", seed, got, yuan(m.own))
			}
			if t.Failed() {
				t.Fatalf("seed %d", seed)
			}
		}
		if got := f.balance(mother); got != yuan(m.lent) {
			t.Fatalf("seed %d: mother has %s, want %s", seed, got, yuan(m.lent))
		}
	}
	for _, infno := range []string{"2204", "2205", "2206", "2207", "2208", "2301", "2302", "2303", "2304", "2305", "2402", "2405", "2601"} {
		if accepted[infno] == 0 {
			t.Errorf("no %s was accepted", infno)
		}
	}
	for _, code := range []string{"line_exists", "return_exceeds", "line_settled", "line_returned", "batch_settled", "stay_settled", "visit_closed", "visit_settled", "no_lines", "amount_parts", "not_discharged"} {
		if codesRefused[code] == 0 {
			t.Errorf("nothing was refused as %s", code)
		}
	}
	t.Logf("accepted %v, refused %v", accepted, codesRefused)
}
