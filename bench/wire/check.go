package wire

import (
	"bytes"
	"fmt"
	"strings"
)

// Tally counts what answers said; amounts in fen.
type Tally struct {
	Requests   uint64         `json:"requests"` // sent
	Answers    uint64         `json:"answers"`
	Accepted   uint64         `json:"accepted"` // settlements answered with 200 and figures that add up
	Own        uint64         `json:"own"`      // of those: the patient's own account paid
	Relatives  uint64         `json:"relatives"`
	AllCash    uint64         `json:"all_cash"`
	Paid       int64          `json:"paid"` // out of accounts
	Refused    map[int]uint64 `json:"refused,omitempty"`
	BytesOut   uint64         `json:"bytes_out"`
	BytesIn    uint64         `json:"bytes_in"`
	BodiesIn   uint64         `json:"bodies_in"`
	WrongCount uint64         `json:"wrong_count"`
	Wrong      []string       `json:"wrong,omitempty"` // the first of them
}

// wrongMax of a process are told; all are counted.
const wrongMax = 5

// add counts another tally in.
func (t *Tally) add(o *Tally) {
	t.Requests += o.Requests
	t.Answers += o.Answers
	t.Accepted += o.Accepted
	t.Own += o.Own
	t.Relatives += o.Relatives
	t.AllCash += o.AllCash
	t.Paid += o.Paid
	t.BytesOut += o.BytesOut
	t.BytesIn += o.BytesIn
	t.BodiesIn += o.BodiesIn
	for status, n := range o.Refused {
		t.refuse(status, n)
	}
	t.WrongCount += o.WrongCount
	t.Wrong = append(t.Wrong, o.Wrong[:min(len(o.Wrong), max(0, wrongMax-len(t.Wrong)))]...)
}

func (t *Tally) refuse(status int, n uint64) {
	if t.Refused == nil {
		t.Refused = map[int]uint64{}
	}
	t.Refused[status] += n
}

// fault counts a wrong answer. The text holds nothing of the answer but its amounts.
func (t *Tally) fault(format string, args ...any) {
	t.WrongCount++
	if len(t.Wrong) < wrongMax {
		t.Wrong = append(t.Wrong, fmt.Sprintf(format, args...))
	}
}

// figures are what an answer tells of a settlement; amounts in fen.
type figures struct {
	has                   uint16
	line, status          int64
	msgid                 []byte
	part, acct, aid, cash int64
	medfee, fund, hosp    int64 // national only
	replayed              bool
}

// Bits of figures.has.
const (
	hasID = 1 << iota
	hasPart
	hasAcct
	hasAid
	hasCash
	hasMsgid
	hasLine
	hasStatus
	hasMedfee
	hasFund
	hasHosp
	hasMoney = hasID | hasPart | hasAcct | hasAid | hasCash
)

// setlIDLen is what a setl_id has (api/ids).
const setlIDLen = 15

// read reads an object of /v1 with a settlement, a line's or a single one's.
func (f *figures) read(s *scanner) {
	s.open('{')
	for first := true; s.more(first, '}'); first = false {
		k := s.key()
		if !f.money(s, k) {
			switch string(k) {
			case "msgid":
				f.msgid = s.text()
				f.once(s, hasMsgid)
			case "line":
				f.line = s.digits()
				f.once(s, hasLine)
			case "status":
				f.status = s.digits()
				f.once(s, hasStatus)
			case "replayed":
				s.word()
				f.replayed = true
			default:
				s.skip()
			}
		}
	}
}

// once refuses a name that stands twice.
func (f *figures) once(s *scanner, bit uint16) {
	if f.has&bit != 0 {
		s.bad = true
	}
	f.has |= bit
}

// money reads one of the fields that both faces have.
func (f *figures) money(s *scanner, key []byte) bool {
	switch string(key) {
	case "setl_id":
		if len(s.text()) != setlIDLen {
			s.bad = true
		}
		f.once(s, hasID)
	case "psn_part_amt":
		f.part = s.amount()
		f.once(s, hasPart)
	case "acct_pay":
		f.acct = s.amount()
		f.once(s, hasAcct)
	case "acct_mulaid_pay":
		f.aid = s.amount()
		f.once(s, hasAid)
	case "psn_cash_pay":
		f.cash = s.amount()
		f.once(s, hasCash)
	default:
		return false
	}
	return true
}

// readNational reads an envelope; f is filled if infcode is 0.
func (f *figures) readNational(s *scanner) (infcode int64) {
	infcode = -1
	s.open('{')
	for first := true; s.more(first, '}'); first = false {
		switch string(s.key()) {
		case "infcode":
			if s.peek() == '-' {
				s.skip()
			} else {
				infcode = s.digits()
			}
		case "output":
			s.open('{')
			for first := true; s.more(first, '}'); first = false {
				if string(s.key()) == "setlinfo" {
					f.readSetlinfo(s)
				} else {
					s.skip()
				}
			}
		default:
			s.skip()
		}
	}
	return infcode
}

func (f *figures) readSetlinfo(s *scanner) {
	s.open('{')
	for first := true; s.more(first, '}'); first = false {
		k := s.key()
		if !f.money(s, k) {
			switch string(k) {
			case "medins_setl_id":
				f.msgid = s.text()
				f.once(s, hasMsgid)
			case "medfee_sumamt":
				f.medfee = s.amount()
				f.once(s, hasMedfee)
			case "fund_pay_sumamt":
				f.fund = s.amount()
				f.once(s, hasFund)
			case "hosp_part_amt":
				f.hosp = s.amount()
				f.once(s, hasHosp)
			default:
				s.skip()
			}
		}
	}
}

// count holds figures against what the bill asked and counts them.
func (t *Tally) count(what string, f *figures, a *ask) {
	switch {
	case f.has&hasMoney != hasMoney:
		t.fault("%s: an answer without its figures", what)
	case f.replayed:
		t.fault("%s: the answer to a fresh message id is a repeated one", what)
	case f.acct+f.cash != f.part || f.aid > f.acct:
		t.fault("%s: acct_pay %d (of it acct_mulaid_pay %d) and psn_cash_pay %d are not psn_part_amt %d, in fen", what, f.acct, f.aid, f.cash, f.part)
	case f.part != a.psnPart:
		t.fault("%s: psn_part_amt %d, the bill leaves %d, in fen", what, f.part, a.psnPart)
	case f.acct > a.payable:
		t.fault("%s: acct_pay %d, accounts may pay %d, in fen", what, f.acct, a.payable)
	default:
		t.Accepted++
		t.Paid += f.acct
		if f.acct > f.aid {
			t.Own++
		}
		if f.aid > 0 {
			t.Relatives++
		}
		if f.acct == 0 {
			t.AllCash++
		}
	}
}

// check holds an answer against its request, whose message ids count from number on.
func (t *Tally) check(face Face, r *template, tag string, number uint64, h *head, body []byte, echoed int) {
	t.Answers++
	t.BodiesIn += uint64(len(body))
	if h.status != 200 {
		t.refuse(h.status, 1)
		t.fault("%s: status %d %s", face, h.status, problemCode(body))
		return
	}
	s := scanner{b: body}
	switch face {
	case Echo, EchoNHSA:
		if len(body) != echoed {
			t.fault("echo: %d bytes, want %d", len(body), echoed)
		}
	case Settlements:
		f := figures{replayed: h.replayed}
		if f.read(&s); !s.end() {
			t.fault("%s: the answer is not one JSON object", face)
			return
		}
		t.count(string(face), &f, &r.asks[0])
	case National:
		t.checkNational(&s, r, tag, number, h)
	case Batch:
		t.checkLines(r, tag, number, body)
	}
}

func (t *Tally) checkNational(s *scanner, r *template, tag string, number uint64, h *head) {
	f := figures{replayed: h.replayed}
	a := r.asks[0]
	switch infcode := f.readNational(s); {
	case !s.end():
		t.fault("2102: the answer is not one JSON object")
	case infcode != 0:
		t.refuse(h.status, 1)
		t.fault("2102: infcode is not 0")
	case f.has&hasMsgid == 0 || !isID(f.msgid, tag, number):
		t.fault("2102: medins_setl_id is not the message id sent")
	case f.has&(hasMedfee|hasFund|hasHosp) != hasMedfee|hasFund|hasHosp || f.medfee != a.medfee:
		t.fault("2102: medfee_sumamt %d, sent %d, in fen", f.medfee, a.medfee)
	default:
		if a.psnPart = a.medfee - f.fund - f.hosp; f.fund != 0 { // a fund at work: what accounts may pay is not ours to reckon
			a.payable = a.psnPart
		}
		t.count("2102", &f, &a)
	}
}

// checkLines holds each line of a batch's answer against its own bill.
func (t *Tally) checkLines(r *template, tag string, number uint64, body []byte) {
	rest := bytes.TrimSuffix(body, []byte{'\n'})
	for i := range r.asks {
		text, more, found := bytes.Cut(rest, []byte{'\n'})
		if rest = more; found != (i < len(r.asks)-1) {
			t.fault("batch: %d lines asked, the answer ends or goes on at line %d", len(r.asks), i+1)
			return
		}
		var f figures
		s := scanner{b: text}
		f.read(&s)
		switch {
		case !s.end() || f.has&(hasLine|hasStatus|hasMsgid) != hasLine|hasStatus|hasMsgid:
			t.fault("batch: line %d is not one JSON object with line, msgid and status", i+1)
		case f.line != int64(i+1) || !isID(f.msgid, tag, number+uint64(i)):
			t.fault("batch: line %d is the answer to another", i+1)
		case f.status != 200:
			t.refuse(int(f.status), 1)
			t.fault("batch: line %d has status %d %s", i+1, f.status, problemCode(text))
		default:
			t.count("batch", &f, &r.asks[i])
		}
	}
}

// isID tells whether a text is the message id of a number.
func isID(text []byte, tag string, number uint64) bool {
	if len(text) != msgidLen || string(text[:tagLen]) != tag {
		return false
	}
	var digits [msgidLen - tagLen]byte
	appendCount(digits[:], number)
	return string(text[tagLen:]) == string(digits[:])
}

// problemCode is the stable code of a refusal, which holds nothing of anybody.
func problemCode(body []byte) string {
	_, rest, _ := strings.Cut(string(body[:min(len(body), headMax)]), `"code":"`)
	code, _, found := strings.Cut(rest, `"`)
	if !found {
		return ""
	}
	return code
}
