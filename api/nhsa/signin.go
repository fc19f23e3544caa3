package nhsa

import (
	"encoding/base32"
	"sync"

	"gongji/engine/ledger"
)

var (
	signInData = newNode("signIn", "签到信息", 0,
		text("opter_no", 30, must, "操作员编号"), free("mac", 30, "签到MAC地址"), free("ip", 64, "签到IP地址"))
	signInOpter = signInData.at("opter_no")
	signOutData = newNode("signOut", "签退信息", 0,
		text("sign_no", 64, must, "签到编号"), text("opter_no", 30, must, "操作员编号"))
	signOutNo    = signOutData.at("sign_no")
	signOutOpter = signOutData.at("opter_no")

	signInInfo  = newNode("signinoutb", "签到信息", 0, day("sign_time", must, "签到时间"), token("sign_no", 30, must, "签到编号"))
	signOutInfo = newNode("sign_time", "签退信息", 0, day("sign_time", must, "签退时间"))
)

var signIn = transaction{infno: "9001", text: "签到", input: inputOf(inside(signInData, must)), output: []*node{signInInfo},
	paths: []string{pathSignIn}, anytime: true, handle: (*face).signIn}

var signOut = transaction{infno: "9002", text: "签退", input: inputOf(inside(signOutData, must)), output: []*node{signOutInfo},
	paths: []string{pathSignOut}, anytime: true, handle: (*face).signOut}

// A sign_no is yyyyMMddHHmmss, 4 characters that count sign-ins, and 12 of the ledger's keyed name of (institution, operator, all before it): 30
// characters, checked without a table, on every replica and after every restart. 60 bits cannot be guessed at a counter. Without the count a
// sign-in in the second of one that has signed out would have its number, which is good for nothing any more.
const (
	signStamp  = len("20060102150405")
	signCount  = 4
	signHead   = signStamp + signCount
	signMAC    = 12
	signNoLen  = signHead + signMAC
	signedType = "sign_no" // stands where Pseudonym has a type of certificate; none is called so
)

var signText = base32.StdEncoding.WithPadding(base32.NoPadding)

func (f *face) signMAC(institution, opter, head []byte) (mac [signMAC]byte) {
	k := ledger.K(institution, opter, head)
	k = f.engine.Pseudonym(signedType, k[:])
	return [signMAC]byte(signText.AppendEncode(nil, k[:]))
}

// appendSignHead appends the second and the count, whose 20 bits come round after a million sign-ins.
func (f *face) appendSignHead(no []byte, gotMS int64) []byte {
	n := f.signs.Add(1)
	text := signText.AppendEncode(nil, []byte{byte(n >> 12), byte(n >> 4), byte(n << 4)})
	return append(appendStamp(no, gotMS), text[:signCount]...)
}

// signIn is 9001.
func (f *face) signIn(m *message) fault {
	if _, x := f.placeOf(m.institution()); x.bad() {
		return x
	}
	d, _ := m.child(m.in, 0)
	no := f.appendSignHead(make([]byte, 0, signNoLen), m.gotMS)
	mac := f.signMAC(m.header(envCode), m.get(d, signInOpter).text, no)
	o := &m.out
	o.begin("signinoutb")
	o.day("sign_time", dayOf(m.gotMS))
	o.text("sign_no", append(no, mac[:]...))
	o.end()
	return fault{}
}

// signOut is 9002: it works with a sign-in of the same day (nhsa-interface.md 1.9), which is not good for anything any more.
func (f *face) signOut(m *message) fault {
	d, _ := m.child(m.in, 0)
	no := m.get(d, signOutNo).text
	if x := f.judgeSignNo(m, no, m.get(d, signOutOpter).text); x.bad() {
		x.where = "signOut.sign_no"
		return x
	}
	if !f.signed.add(string(no), dayOf(m.gotMS)) {
		return fault{code: codeBusy}
	}
	o := &m.out
	o.begin("sign_time")
	o.day("sign_time", dayOf(m.gotMS))
	o.end()
	return fault{}
}

// checkSignNo looks at the envelope's sign_no, where it is required.
func (f *face) checkSignNo(m *message) fault {
	return f.judgeSignNo(m, m.header(envSignNo), m.header(envOpter))
}

func (f *face) judgeSignNo(m *message, no, opter []byte) fault {
	bad := fault{code: codeSignNo, where: "sign_no"}
	if len(no) != signNoLen {
		return bad
	}
	var today [signStamp]byte
	appendStamp(today[:0], m.gotMS)
	mac := f.signMAC(m.header(envCode), opter, no[:signHead])
	if string(no[signHead:]) != string(mac[:]) || string(no[:8]) != string(today[:8]) || f.signed.has(string(no)) {
		return bad
	}
	return fault{}
}

// signedOutMax of a day, on the safe side: a province has some 100,000 institutions, and who does not sign out needs no line.
const signedOutMax = 1 << 18

// signedOut are the numbers of today that 9002 has ended. It lives as long as the process: after a restart a number signed out is good again
// until its day ends, which gives nothing to anybody who does not have the number.
type signedOut struct {
	mu  sync.Mutex
	day int64
	nos map[string]struct{}
}

func (s *signedOut) add(no string, day int64) bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.day != day || s.nos == nil {
		s.day, s.nos = day, map[string]struct{}{}
	}
	if len(s.nos) >= signedOutMax {
		return false
	}
	s.nos[no] = struct{}{}
	return true
}

func (s *signedOut) has(no string) bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	_, found := s.nos[no]
	return found
}
