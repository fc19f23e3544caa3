package nhsa

import (
	"archive/zip"
	"bytes"
	"io"
	"strconv"
	"unicode/utf8"

	"gongji/engine/ledger"
	"gongji/engine/reconcile"
)

// Limits of an institution's file. All are checked before anything of that size is held.
const (
	// statementLinesMax: the largest hospitals send some 20,000 bills a day, and refunds come beside them. As /v1's reconciliation.
	statementLinesMax = 24_000
	// statementTextMax is the TXT unpacked: so many lines of 160 bytes, with four times as much for exp_content.
	statementTextMax = 16 << 20
	// zipRatioMax: lines of numbers that count up pack to a tenth (TestPackedStatement); deflate reaches 1,000 with nothing but repetitions.
	zipRatioMax = 100
	// zipHeadersMax bounds what may look like an entry's header anywhere in the file before the directory is read, and so what reading it can cost:
	// one entry is allowed, and the same four bytes turn up by chance once in 256 files of 16 MiB.
	zipHeadersMax = 8
)

// zipHeader begins each entry of a ZIP's directory.
var zipHeader = []byte("PK\x01\x02")

// sentNode are the columns of the file that an institution sends (nhsa-interface.md 1.9; table 150), and one that Hubei has behind them.
var sentNode = newNode("file", "对账明细文件", 0,
	token("setl_id", 30, must, "结算ID"), token("mdtrt_id", 30, must, "就诊ID"), token("psn_no", 30, must, "人员编号"), signedAmount("medfee_sumamt", must, "医疗费总额"),
	signedAmount("fund_pay_sumamt", must, "基金支付总额"), signedAmount("acct_pay", must, "个人账户支出"), coded("refd_setl_flag", 3, dictFlag, must, "退费结算标志"), free("exp_content", 4000, "字段扩展"))

// Columns by their place.
const (
	sentSetl = iota
	sentVisit
	sentPsn
	sentFee
	sentFund
	sentAcct
	sentFlag
	sentExt
)

// sentLine is a line of the institution's file. Texts lie in the unpacked file.
type sentLine struct {
	setl, visit, psn []byte
	flagged          bool // refd_setl_flag 1
	fee, fund, acct  int64
	settled          ledger.Position // 0: setl_id is none of ours
}

// refund: the sign tells, as both rows of a refunded settlement may be flagged (nhsa-inpatient.md 5 (a)).
func (l *sentLine) refund() bool { return l.fee < 0 }

func (l *sentLine) compared() reconcile.Line {
	c := reconcile.Line{Settlement: l.settled, Refund: l.refund()}
	c.Tell(reconcile.Medfee, l.fee)
	c.Tell(reconcile.Fund, l.fund)
	c.Tell(reconcile.Acct, l.acct)
	return c
}

// sentFile is an institution's file, unpacked and checked.
type sentFile struct {
	lines    []sentLine
	extended bool // with exp_content
}

// readSent unpacks and checks a file. Faults name line and column, never what stands there.
func readSent(packed []byte) (s sentFile, x fault) {
	text, x := unpack(packed)
	if x.bad() {
		return s, x
	}
	return parseSent(text)
}

// unpack gives the only file of a ZIP.
func unpack(packed []byte) ([]byte, fault) {
	bad := fault{code: codeZip, where: "file"}
	if bytes.Count(packed, zipHeader) > zipHeadersMax {
		return nil, bad
	}
	r, err := zip.NewReader(bytes.NewReader(packed), int64(len(packed)))
	if err != nil || len(r.File) != 1 || r.File[0].Mode().IsDir() {
		return nil, bad
	}
	entry := r.File[0]
	size := entry.UncompressedSize64
	if size > statementTextMax || size > zipRatioMax*min(entry.CompressedSize64, uint64(len(packed))) {
		return nil, fault{code: codeZipSize, where: "file"}
	}
	in, err := entry.Open()
	if err != nil {
		return nil, bad
	}
	defer in.Close()
	text := make([]byte, size)
	if _, err := io.ReadFull(in, text); err != nil {
		return nil, bad
	}
	if n, err := in.Read(make([]byte, 1)); n != 0 || err != io.EOF { // longer than it says, or its sum is wrong
		return nil, bad
	}
	return text, fault{}
}

// parseSent reads the lines.
func parseSent(text []byte) (s sentFile, x fault) {
	text = bytes.TrimSuffix(bytes.TrimPrefix(text, byteOrderMark), []byte{'\n'})
	if len(text) == 0 {
		return s, fault{} // the institution has nothing
	}
	n := bytes.Count(text, []byte{'\n'}) + 1
	if n > statementLinesMax {
		return s, fault{code: codeTooMany, where: "file", limit: statementLinesMax}
	}
	s.lines = make([]sentLine, n)
	for i := range s.lines {
		var line []byte
		line, text, _ = bytes.Cut(text, []byte{'\n'})
		line = bytes.TrimSuffix(line, []byte{'\r'})
		columns := bytes.Count(line, []byte{'\t'}) + 1
		if i == 0 {
			s.extended = columns == sentExt+1
		}
		if columns != sentExt && columns != sentExt+1 || s.extended != (columns == sentExt+1) {
			return s, fault{code: codeColumns, where: sentPlace(i), label: sentLabel(i, "")}
		}
		if x := s.lines[i].read(line, i); x.bad() {
			return s, x
		}
	}
	return s, fault{}
}

func sentPlace(i int) string { return "file[" + strconv.Itoa(i+1) + "]" }

func sentLabel(i int, column string) string { return "第" + strconv.Itoa(i+1) + "行" + column }

// read reads line i, counted from 0.
func (l *sentLine) read(line []byte, i int) fault {
	var v [sentExt + 1]value
	for c := range sentNode.fields {
		f := &sentNode.fields[c]
		var text []byte
		text, line, _ = bytes.Cut(line, []byte{'\t'})
		if v[c] = (value{text: text, has: len(text) > 0 && string(text) != "null"}); !v[c].has {
			if f.need == must {
				return fault{code: codeMissing, where: sentPlace(i) + "." + f.name, label: sentLabel(i, f.text)}
			}
			continue
		}
		x := f.check(&v[c])
		switch {
		case x == "" && f.kind == kindFree && !utf8.Valid(text):
			x = codeBadUTF8
		case x == "" && f.kind == kindFree:
			x = plain(text)
		}
		if x != "" {
			return fault{code: x, where: sentPlace(i) + "." + f.name, label: sentLabel(i, f.text), limit: f.length}
		}
	}
	*l = sentLine{setl: v[sentSetl].text, visit: v[sentVisit].text, psn: v[sentPsn].text, flagged: v[sentFlag].text[0] == '1', fee: v[sentFee].num, fund: v[sentFund].num, acct: v[sentAcct].num}
	if l.fee == 0 {
		return fault{code: codeZero, where: sentPlace(i) + ".medfee_sumamt", label: sentLabel(i, "医疗费总额")} // R2: no settlement has it
	}
	for _, c := range [...]int{sentFund, sentAcct} {
		if n := v[c].num; n != 0 && n < 0 != l.refund() {
			return fault{code: codeBadValue, where: sentPlace(i) + "." + sentNode.fields[c].name, label: sentLabel(i, sentNode.fields[c].text), text: "与医疗费总额的正负不一致"}
		}
	}
	if at, ok := settlementAt(l.setl); ok {
		l.settled = at
	}
	return fault{}
}
