package nhsa

import (
	"archive/zip"
	"bytes"
	"errors"

	"gongji/api/money"
	"gongji/engine"
	"gongji/engine/ledger"
	"gongji/engine/reconcile"
)

// statementFatesMax looks behind lines that we have nothing for: 0.5 ms each at worst. Behind them the memo says less.
const statementFatesMax = 1_000

// What a memo says of a line that one side alone has.
const (
	memoTwice       = "重复行，同一结算或退费已列出"
	memoUndone      = "该结算已冲正，不计入对账"
	memoNoRefund    = "中心无此退费"
	memoOutside     = "中心有此结算，但不在本次对账条件内（日期、清算类别、经办机构、退费标志）"
	memoUnknown     = "中心无本机构的此结算"
	memoNotLooked   = "中心在本次对账条件内无此结算"
	memoOurs        = "机构无此结算，可按msgid发起冲正（2601）"
	memoOursRefund  = "机构无此退费"
	memoPerson      = "人员编号不符"
	memoVisit       = "就诊ID不符"
	memoFlag        = "退费结算标志不符"
	statementMemoMx = 500 // characters of memo
)

// resultWriter makes the lines of the result file (table 151): psn_no, mdtrt_id, setl_id, msgid, stmt_rslt, refd_setl_flag, memo, medfee_sumamt,
// fund_pay_sumamt, acct_pay, and an empty exp_content if the institution's file has one.
type resultWriter struct {
	b        []byte
	extended bool
	columns  int
}

func (w *resultWriter) column(text []byte) {
	if w.columns++; w.columns > 1 {
		w.b = append(w.b, '\t')
	}
	if len(text) == 0 {
		w.b = append(w.b, "null"...)
	}
	w.b = append(w.b, text...)
}

func (w *resultWriter) amounts(fen ...int64) {
	for _, n := range fen {
		w.column(money.Append(nil, n))
	}
}

func (w *resultWriter) end() {
	if w.extended {
		w.column(nil)
	}
	w.b, w.columns = append(w.b, '\n'), 0
}

// result writes the result: the lines of the institution in their order, then what it does not have, newest first.
func (c *comparison) result() ([]byte, fault) {
	w := resultWriter{extended: c.theirs.extended}
	people := map[uint32][]byte{}
	psnOf := func(number uint32) ([]byte, fault) {
		if psn, found := people[number]; found {
			return psn, fault{}
		}
		r, found, err := c.f.engine.Person(number)
		if err != nil || !found {
			return nil, fault{code: codeUnavailable}
		}
		people[number] = r.PsnNo
		return r.PsnNo, fault{}
	}
	matched, different := c.pairs()
	fates := c.fates()
	for i := range c.theirs.lines {
		l := &c.theirs.lines[i]
		if matched[i] < 0 {
			w.line(l.psn, l.visit, l.setl, nil, c.f.opt.StatementDiffers, l.refund(), []byte(fates[i]))
			w.column(nil)
			w.column(nil)
			w.column(nil)
			w.end()
			continue
		}
		r := &c.ours[matched[i]]
		psn, x := psnOf(r.patient)
		if x.bad() {
			return nil, x
		}
		memo := l.differs(r, psn, different[i])
		rslt := c.f.opt.StatementLevel
		if len(memo) > 0 {
			rslt = c.f.opt.StatementDiffers
		}
		w.ours(r, psn, rslt, memo)
	}
	for _, i := range c.found.OursOnly {
		r := &c.ours[i]
		psn, x := psnOf(r.patient)
		if x.bad() {
			return nil, x
		}
		memo := memoOurs
		if r.refund {
			memo = memoOursRefund
		}
		w.ours(r, psn, c.f.opt.StatementDiffers, []byte(memo))
	}
	return pack(w.b), fault{}
}

// ours writes a row of ours, with our figures.
func (w *resultWriter) ours(r *stated, psn []byte, rslt string, memo []byte) {
	setl := settlementID(r.settled)
	visit, _ := r.visit()
	w.line(psn, visit, setl[:], []byte(r.msgid), rslt, r.refund, memo)
	w.amounts(r.fee, r.fund, r.acct)
	w.end()
}

func (w *resultWriter) line(psn, visit, setl, msgid []byte, rslt string, refund bool, memo []byte) {
	w.column(psn)
	w.column(visit)
	w.column(setl)
	w.column(msgid)
	w.column([]byte(rslt))
	flag := "0"
	if refund {
		flag = "1"
	}
	w.column([]byte(flag))
	w.column(cutRunes(memo, statementMemoMx))
}

// visit is the mdtrt_id that the settlement's answer told; false: another face made it, and there was none.
func (r *stated) visit() ([]byte, bool) {
	var x id
	switch {
	case r.infno == numberPurchase:
		x = purchaseID(r.settled)
	case r.infno == numberOutpatient && r.visited != 0:
		x = visitID(registrationKind, r.visited)
	case r.infno == numberInpatient && r.visited != 0:
		x = visitID(stayKind, r.visited)
	default:
		return nil, false
	}
	return x[:], true
}

// Settlements as they keep their transaction's number.
const (
	numberPurchase   = 2102
	numberOutpatient = 2207
	numberInpatient  = 2304
)

// pairs gives for each line of theirs the row of ours, -1 if there is none, and the figures in which they differ.
func (c *comparison) pairs() (matched []int, different []uint8) {
	matched, different = make([]int, len(c.theirs.lines)), make([]uint8, len(c.theirs.lines))
	for _, i := range c.found.TheirsOnly {
		matched[i] = -1
	}
	at := c.byBill()
	for i := range matched {
		if l := &c.theirs.lines[i]; matched[i] == 0 {
			matched[i] = at[bill{l.settled, l.refund()}]
		}
	}
	for _, d := range c.found.Different {
		different[d.Theirs] = d.Figures
	}
	return matched, different
}

// bill names a settlement or its refund.
type bill struct {
	settled ledger.Position
	refund  bool
}

func (c *comparison) byBill() map[bill]int {
	at := make(map[bill]int, len(c.ours))
	for i := range c.ours {
		at[bill{c.ours[i].settled, c.ours[i].refund}] = i
	}
	return at
}

// differs says what of a line is not as we have it.
func (l *sentLine) differs(r *stated, psn []byte, figures uint8) (b []byte) {
	for f, name := range [...]string{reconcile.Medfee: "医疗费总额", reconcile.Fund: "基金支付总额", reconcile.Acct: "个人账户支出"} {
		if figures&(1<<f) != 0 {
			b = appendBoth(b, name, [...]int64{l.fee, l.fund, l.acct}[f], [...]int64{r.fee, r.fund, r.acct}[f])
		}
	}
	if string(psn) != string(l.psn) {
		b = append(beginNext(b), memoPerson...)
	}
	if visit, told := r.visit(); told && string(visit) != string(l.visit) {
		b = append(beginNext(b), memoVisit...)
	}
	if l.flagged != r.refund && !(l.flagged && r.undone) { // both rows of what was undone may be flagged
		b = append(beginNext(b), memoFlag...)
	}
	return b
}

// fates says of lines that match no row what became of their settlements.
func (c *comparison) fates() map[int]string {
	at, void := c.byBill(), map[ledger.Position]bool{}
	for i := range c.void {
		void[c.void[i].settled] = true
	}
	out := make(map[int]string, len(c.found.TheirsOnly))
	looked := 0
	for _, i := range c.found.TheirsOnly {
		l := &c.theirs.lines[i]
		_, twice := at[bill{l.settled, l.refund()}]
		settlement, settled := at[bill{l.settled, false}]
		switch {
		case l.settled == 0:
			out[i] = memoUnknown
		case twice:
			out[i] = memoTwice
		case void[l.settled]:
			out[i] = memoUndone
		case l.refund() && settled && !c.ours[settlement].undone:
			out[i] = memoNoRefund
		case looked == statementFatesMax:
			out[i] = memoNotLooked
		default:
			looked++
			out[i] = c.lookBehind(l.settled)
		}
	}
	return out
}

// lookBehind tells whether a settlement is this institution's at all. Of another's nothing is told.
func (c *comparison) lookBehind(at ledger.Position) string {
	if at.Sequence() > c.sequence {
		return memoUnknown
	}
	entry, err := c.originals.Entry(at)
	switch {
	case errors.Is(err, engine.ErrNoCommand):
		return memoUnknown
	case err != nil:
		return memoNotLooked
	case entry.Effect.Kind != ledger.KindSettlement || entry.Effect.Outcome != ledger.Accepted || entry.Effect.Institution != c.selection.place.number:
		return memoUnknown
	}
	return memoOutside
}

// pack makes a ZIP of one TXT.
func pack(text []byte) []byte {
	var b bytes.Buffer
	z := zip.NewWriter(&b)
	w, err := z.CreateHeader(&zip.FileHeader{Name: "stmt.txt", Method: zip.Deflate})
	if err == nil {
		_, err = w.Write(text)
	}
	if err = errors.Join(err, z.Close()); err != nil {
		panic("BUG: writing to memory: " + err.Error())
	}
	return b.Bytes()
}
