package nhsa

import (
	"time"

	"gongji/api"
	"gongji/api/strictjson"
	"gongji/engine/ledger"
)

// Lengths where the sources disagree are the larger ones (nhsa-interface.md 1.2, 1.4.11; nhsa-inpatient.md 4, rule 26).
var envelope = newNode("", "交易输入", 0,
	token("infno", 6, must, "交易编号"),
	token("msgid", 30, must, "发送方报文ID"),
	token("mdtrtarea_admvs", 6, must, "就医地医保区划"),
	token("insuplc_admdvs", 6, may, "参保地医保区划"),
	token("recer_sys_code", 10, must, "接收方系统代码"),
	free("dev_no", 100, "设备编号"),
	free("dev_safe_info", 2000, "设备安全信息"),
	free("cainfo", 1024, "数字签名信息"),
	free("signtype", 10, "签名类型"),
	token("infver", 6, must, "接口版本号"),
	coded("opter_type", 3, dictOperator, must, "经办人类别"),
	text("opter", 30, must, "经办人"),
	text("opter_name", 50, must, "经办人姓名"),
	moment("inf_time", must, "交易时间"),
	token("fixmedins_code", 30, must, "定点医药机构编号"),
	text("fixmedins_name", 200, must, "定点医药机构名称"),
	free("sign_no", 64, "交易签到流水号"),
	field{name: "input", kind: kindRaw, need: must, text: "交易输入"},
)

var (
	envInfno  = envelope.at("infno")
	envMsgid  = envelope.at("msgid")
	envArea   = envelope.at("mdtrtarea_admvs")
	envHome   = envelope.at("insuplc_admdvs")
	envOpter  = envelope.at("opter")
	envName   = envelope.at("opter_name")
	envCode   = envelope.at("fixmedins_code")
	envSignNo = envelope.at("sign_no")
	envCainfo = envelope.at("cainfo")
	envInput  = envelope.at("input")
)

// message is one call with all the memory it needs. It is pooled; it is dropped instead when the engine may still write into its request.
type message struct {
	work
	tree
	out
	purchase
	sender
	call     *api.Call
	tx       *transaction
	file     []byte // that came beside the message
	download []byte // the answer, instead of a message
	env      int32  // row of the envelope
	in       int32  // row of input
	gotMS    int64  // unix ms when it came
	gone     bool   // the engine may still hold its request
}

// values of an envelope field; the text is good until the next message.
func (m *message) header(field int) []byte { return m.get(m.env, field).text }

// bodyKeep is the largest answer, and the most of escaped text, that a pooled message keeps: 50 lines of a purchase take about 20 KiB.
const bodyKeep = 64 << 10

func newMessage(deadline time.Duration) *message {
	m := &message{work: newWork(deadline)}
	return m
}

func (f *face) give(m *message) {
	m.call, m.who, m.tx, m.file, m.download = nil, nil, nil, nil, nil
	if m.gone || cap(m.request.Commands) > commandsKeep || cap(m.out.b) > bodyKeep || cap(m.scratch) > bodyKeep {
		return
	}
	m.request.Reset()
	m.data = nil // it may be 16 MiB of a file
	f.messages.Put(m)
}

// serve answers one message. infnos: those of a service's own address; byNumber: the address names the infno.
func (f *face) serve(c *api.Call, infnos map[string]bool, byNumber bool) {
	if body, ok := c.Body(); ok {
		f.serveMessage(c, body, nil, fault{}, infnos, byNumber)
	}
}

// serveMessage answers a message with the file that came beside it, or why there is none.
func (f *face) serveMessage(c *api.Call, body, file []byte, x fault, infnos map[string]bool, byNumber bool) {
	m := f.messages.Get().(*message)
	m.call, m.gotMS, m.gone, m.file, m.download = c, f.engine.NowMS(), false, file, nil
	m.decided = decided{} // of the message before
	if m.tree.begin(nil); !x.bad() {
		x = f.read(m, body)
	}
	if !x.bad() {
		infno := m.header(envInfno)
		if infnos != nil && !infnos[string(infno)] || byNumber && string(infno) != string(c.Param(0)) {
			x = fault{code: codeInfno, where: "infno"}
		}
	}
	if !x.bad() && f.opt.RequireSignIn && !m.tx.anytime {
		x = f.checkSignNo(m)
	}
	if !x.bad() {
		m.begin(f)
		x = m.tx.handle(f, m)
	}
	f.answer(m, &x)
	f.give(m)
}

// read opens a request and decodes envelope and input.
func (f *face) read(m *message, body []byte) (x fault) {
	m.tree.begin(nil)
	if body, x = f.unseal(m, body); x.bad() {
		return x
	}
	m.tree.begin(body)
	m.table = f.table
	m.env = 0
	if m.env, x = m.object(envelope, 0); x.bad() {
		return x
	}
	if x = f.mayUse(m); x.bad() {
		return x
	}
	if m.peek() != 0 || m.pos != len(m.data) {
		return fault{code: codeTrailing}
	}
	for _, i := range [...]int{envArea, envHome} {
		if v := m.get(m.env, i); v.has && !isArea(v.text) {
			return fault{code: codeBadValue, where: envelope.fields[i].name, label: envelope.fields[i].text}
		}
	}
	if m.tx = f.table[string(m.header(envInfno))]; m.tx == nil {
		return fault{code: codeNotSupported, where: "infno"}
	}
	input := m.get(m.env, envInput)
	if input.row > 0 {
		m.in = input.row - 1
		return fault{}
	}
	m.data, m.pos, m.depth = input.text, 0, 1
	m.trail = m.trail[:0]
	m.in, x = m.object(m.tx.input, 0)
	return x.inside(&envelope.fields[envInput])
}

// isArea: six digits, the first not 0.
func isArea(s []byte) bool {
	for _, c := range s {
		if c-'0' > 9 {
			return false
		}
	}
	return len(s) == 6 && s[0] != '0'
}

// begin writes the answer's envelope as far as it is known.
func (m *message) begin(f *face) { m.head(f, nil) }

// respondAt is where respond_time's 17 digits go when they are known.
const stampDigits = len("20060102150405000")

func (m *message) head(f *face, x *fault) {
	o := &m.out
	o.reset()
	o.open()
	if x == nil {
		o.num("infcode", 0, 0)
	} else {
		o.num("infcode", -1, 0)
	}
	o.key("inf_refmsgid")
	o.b = append(o.b, '"')
	area := []byte("000000") // of a message so broken that it tells none
	if len(m.rows) > 0 && m.get(m.env, envArea).has && isArea(m.header(envArea)) {
		area = m.header(envArea)
	}
	o.b = appendStamp(append(o.b, area...), m.gotMS)
	o.b = appendPadded(o.b, f.serial.Add(1)%serials, serials/10)
	o.b = append(o.b, '"')
	o.key("refmsg_time")
	o.b = append(appendStampMS(append(o.b, '"'), m.gotMS), '"')
	o.key("respond_time")
	o.b = append(o.b, '"')
	o.later = len(o.b)
	o.b = append(appendStampMS(o.b, m.gotMS), '"')
	o.key("err_msg")
	if x == nil {
		o.b = append(o.b, '"', '"')
	} else {
		var text [4 * errMsgMax]byte
		o.b = strictjson.AppendString(o.b, x.appendText(text[:0]))
	}
	o.begin("output")
}

// answer sends what the transaction wrote, or why not (DESIGN.md 4).
func (f *face) answer(m *message, x *fault) {
	if x.bad() {
		m.head(f, x)
	}
	if m.download != nil && !x.bad() {
		f.send(m, 200, mediaFile, m.download)
		return
	}
	o := &m.out
	o.end()
	o.end()
	appendStampMS(o.b[o.later:o.later:o.later+stampDigits], f.engine.NowMS())
	c := m.call
	status := 200
	switch {
	case x.unknown:
		status = 504
	case x.status != 0:
		status = x.status
	}
	f.send(m, status, mediaMessage, o.b)
	if x.replayed || m.replayed {
		c.Replayed()
	}
}

func appendPadded(dst []byte, v, weight uint64) []byte {
	for ; weight > 0; weight /= 10 {
		dst = append(dst, '0'+byte(v/weight%10))
	}
	return dst
}

// institution is the caller as the ledger knows it.
func (m *message) institution() ledger.Code { return ledger.NewCode(m.header(envCode)) }

// allow counts a call of an institution against its rate.
func (f *face) allow(m *message) fault {
	if f.opt.Institutions == nil {
		return fault{}
	}
	if ok, _ := f.opt.Institutions.Allow(m.header(envCode), int64(sinceStart(f))); !ok {
		return fault{code: codeLimited}
	}
	return fault{}
}
