package nhsa

import (
	"gongji/engine"
	"gongji/engine/ledger"
)

var (
	reversalData = newNode("data", "冲正信息", 0,
		token("psn_no", 30, must, "人员编号"), token("omsgid", 30, must, "原发送方报文ID"), token("oinfno", 6, must, "原交易编号"))
	reversalPsn   = reversalData.at("psn_no")
	reversalMsgid = reversalData.at("omsgid")
	reversalInfno = reversalData.at("oinfno")
)

var reversal = transaction{infno: "2601", text: "冲正交易", input: inputOf(inside(reversalData, must)), paths: []string{pathReverse},
	anytime: true, handle: (*face).reverse}

// originals are the transactions that 2601 may name, by what they are in the ledger (R11). Whether a cancel may be reversed the profile says.
var originals = map[string]ledger.OriginalKind{
	"2102": ledger.OriginalSettlement, "2207": ledger.OriginalSettlement, "2304": ledger.OriginalSettlement,
	"2401": ledger.OriginalVisit,
	"2103": ledger.OriginalReversal, "2208": ledger.OriginalReversal, "2305": ledger.OriginalReversal,
}

// reverse is 2601: undo a message whose answer was lost, also before it arrived (P8, R9, R11, R12). It has no output.
func (f *face) reverse(m *message) fault {
	if x := f.allow(m); x.bad() {
		return x
	}
	d, _ := m.child(m.in, 0)
	original, ok := originals[string(m.get(d, reversalInfno).text)]
	if !ok {
		return fault{code: codeBadValue, where: "data.oinfno", label: "原交易编号", text: "该交易不能冲正"}
	}
	omsgid := m.get(d, reversalMsgid).text
	if string(omsgid) == string(m.header(envMsgid)) {
		return fault{code: codeBadValue, where: "data.omsgid", label: "原发送方报文ID", text: "不能与本次报文ID相同"}
	}
	if _, x := f.placeOf(m.institution()); x.bad() {
		return x
	}
	m.command(ledger.KindReversalByMessage)
	m.cmd.Other = ledger.K(m.header(envCode), omsgid)
	m.cmd.Original = original
	m.cmd.Person = ledger.K(m.get(d, reversalPsn).text)
	m.blob = appendOperator(m.blob, m)
	if x := f.mayReverse(m, d, omsgid); x.bad() {
		return x
	}
	if x := f.run(m); x.bad() {
		return x
	}
	if m.effect.Outcome.IsAccepted() {
		return fault{}
	}
	x := m.refusal(reversalData)
	switch m.effect.Outcome {
	case ledger.WrongOriginalKind:
		x.where = "data.oinfno"
	case ledger.UnknownSettlement, ledger.AlreadyReversed, ledger.CancelFinal, ledger.VisitClosed, ledger.VisitSettled, ledger.VisitUnknown:
		x.where = "data.omsgid"
	}
	return x
}

// mayReverse refuses before the log what the ledger cannot tell apart or bound: another institution's message, a settlement of another infno,
// and one tombstone too many (R13). A message that is repeated passes: its answer is there already.
func (f *face) mayReverse(m *message, d int32, omsgid []byte) fault {
	var mine, others, own ledger.IDEntry
	var found, foreign, repeated, full bool
	if x := f.ask(func(v engine.View) {
		if own, repeated = v.FindID(m.cmd.ID); repeated {
			return
		}
		if mine, found = v.FindID(m.cmd.Other); found {
			return
		}
		if n, ok := v.State.FindInstitution(&m.cmd.Institution); ok {
			full = v.State.Institutions.At(n).TombstonesOn(ledger.DayOf(v.TimeMS)) >= uint32(f.opt.TombstonesMax)
		}
		if len(omsgid) > codeLength {
			others, foreign = v.FindID(ledger.K(omsgid[:codeLength], omsgid))
		}
	}); x.bad() {
		return x
	}
	switch {
	case repeated && own.Tag == ledger.TagCommand:
		return fault{}
	case foreign && others.Tag == ledger.TagCommand:
		return fault{code: codeNotYours, where: "data.omsgid"}
	case full:
		return fault{code: codeTombstones, where: "fixmedins_code"}
	case !found || mine.Tag != ledger.TagCommand || m.cmd.Original == ledger.OriginalReversal:
		return fault{}
	}
	entry, err := f.engine.Entry(mine.Position)
	if err != nil {
		return fault{code: codeUnavailable}
	}
	k, ours := keptOf(&entry)
	c := &entry.Command
	if c.Kind == ledger.KindSettlement && ours && k.infno != uint64(numberOf(m.get(d, reversalInfno).text)) || c.Kind == ledger.KindVisitOpen && c.More.Visit.Kind != ledger.Stay {
		x := refused(ledger.WrongOriginalKind)
		x.where = "data.oinfno"
		return x
	}
	return fault{}
}

// codeLength: message ids begin with the sender's code of 12 characters (nhsa-interface.md 1.5). Not all do, so what stands there counts only if
// the ledger knows this very message of that institution.
const codeLength = 12
