package nhsa

import (
	"errors"

	"gongji/engine"
	"gongji/engine/ledger"
)

var (
	cancelData = newNode("data", "撤销信息", 0,
		token("setl_id", 30, must, "结算ID"), token("mdtrt_id", 30, must, "就诊ID"), token("psn_no", 30, must, "人员编号"), extension())
	cancelInput = inputOf(inside(cancelData, must))

	cancelSetl  = cancelData.at("setl_id")
	cancelVisit = cancelData.at("mdtrt_id")
	cancelPsn   = cancelData.at("psn_no")

	cancelInfo = newNode("setlinfo", "结算信息", 0, fields([]field{
		token("mdtrt_id", 30, must, "就诊ID"), token("setl_id", 30, must, "结算ID"), token("clr_optins", 6, may, "清算经办机构"),
		amount("medfee_sumamt", must, "医疗费总额"), moment("setl_time", must, "结算时间"),
	}, moneyFields(), []field{
		amount("psn_part_amt", must, "个人负担总金额"), amount("acct_pay", must, "个人账户支出"), amount("psn_cash_pay", must, "个人现金支出"),
		amount("balc", must, "余额"), amount("acct_mulaid_pay", must, "个人账户共济支付金额"), token("medins_setl_id", 30, must, "医药机构结算ID"),
	})...)
)

var purchaseCancel = transaction{infno: "2103", text: "药店结算撤销", input: cancelInput, output: []*node{cancelInfo, setlDetail},
	paths: []string{pathCancel}, anytime: true, handle: (*face).cancelPurchase}

// cancelPurchase is 2103: the whole settlement back, with positive amounts and the old setl_id (R14).
func (f *face) cancelPurchase(m *message) fault {
	if x := f.allow(m); x.bad() {
		return x
	}
	d, _ := m.child(m.in, 0)
	at, ok := settlementAt(m.get(d, cancelSetl).text)
	if !ok {
		return fault{code: codeNotFound, where: "data.setl_id", label: "结算ID"}
	}
	if !isPurchase(m.get(d, cancelVisit).text, at) || f.isOwnBill(m, at) {
		return fault{code: codeNotFound, where: "data.mdtrt_id", label: "就诊ID"}
	}
	if _, x := f.placeOf(m.institution()); x.bad() {
		return x
	}
	m.command(ledger.KindReversalByID)
	m.cmd.Settlement = at
	m.cmd.Person = ledger.K(m.get(d, cancelPsn).text)
	m.blob = appendOperator(m.blob, m)
	if x := f.run(m); x.bad() {
		return x
	}
	if m.effect.Outcome != ledger.Accepted {
		return m.refusal(cancelData)
	}
	entry, err := f.engine.Entry(at)
	if err != nil {
		return unknownOutcome() // it was done; a repeat tells how
	}
	f.answerCancel(m, &entry)
	return fault{}
}

// isOwnBill tells whether a settlement of this institution is that of a visit: 2208 or 2305 gives it back, and its mdtrt_id is the visit's.
func (f *face) isOwnBill(m *message, at ledger.Position) bool {
	entry, err := f.engine.Entry(at)
	return err == nil && entry.Effect.Kind == ledger.KindSettlement && entry.Command.Visit != 0 && entry.Command.Institution == m.institution()
}

// appendOperator writes a reversal's personal fields as api/rest does.
func appendOperator(blob []byte, m *message) []byte {
	o := out{b: blob}
	o.open()
	o.text("opter", m.header(envOpter))
	o.str("reason", m.tx.text)
	o.end()
	return o.b
}

func (f *face) answerCancel(m *message, entry *engine.Entry) {
	k, _ := keptOf(entry)
	x := figures{bill: entry.Command.Bill, own: m.effect.Own, mulaid: m.effect.Mulaid, cash: entry.Effect.Cash, balc: m.effect.Balc, ratio: k.ratio, sumAll: k.sumAll}
	setl, visit := settlementID(entry.Position), purchaseID(entry.Position)
	o := &m.out
	o.begin("setlinfo")
	o.text("mdtrt_id", visit[:])
	o.text("setl_id", setl[:])
	clearing(o, &m.effect)
	o.money("medfee_sumamt", x.bill.Medfee)
	o.moment("setl_time", m.timeMS)
	x.parts(o)
	x.paid(o)
	o.money("balc", x.balc)
	o.money("acct_mulaid_pay", x.mulaid)
	o.text("medins_setl_id", m.header(envMsgid))
	o.end()
	x.details(o, entry.Details.Insutype, x.balc)
}

// settlementOf reads an accepted settlement of an institution and a patient; a fault names the field of data that does not fit.
func (f *face) settlementOf(m *message, at ledger.Position, psnNo []byte) (engine.Entry, fault) {
	missing := func(field string) fault { return fault{code: codeNotFound, where: field} }
	entry, err := f.engine.Entry(at)
	switch {
	case isMissing(err), err == nil && (entry.Effect.Kind != ledger.KindSettlement || entry.Effect.Outcome != ledger.Accepted):
		return entry, missing("data.setl_id")
	case err != nil:
		return entry, fault{code: codeUnavailable}
	case entry.Command.Institution != m.institution():
		return entry, missing("data.setl_id") // another one's is not there (R28)
	case entry.Command.Person != ledger.K(psnNo):
		return entry, missing("data.psn_no")
	}
	return entry, fault{}
}

// isMissing: there is no command at the position that somebody named.
func isMissing(err error) bool { return errors.Is(err, engine.ErrNoCommand) }
