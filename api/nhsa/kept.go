package nhsa

import (
	"encoding/base64"
	"encoding/binary"

	"gongji/api/nhsa/catalogue"
	"gongji/api/strictjson"
	"gongji/engine"
	"gongji/engine/command"
)

// kept is what a settlement's personal fields hold for this face: so that a repeat tells the first answer whatever catalogue, fund file and
// profile have become of since, and an auditor sees what the parts were worked out with. In the blob it is base64 of the bytes that appendKept writes.
type kept struct {
	infno     uint64
	sumAll    bool
	digest    uint64
	ratio     int64 // 1e-4
	catalogue string
	fund      string
	psnType   uint32            // of a bill that does not tell it
	lines     []catalogue.Parts // without Inscp, which is what the line's amount leaves
}

const (
	keptVersion = 1
	keptName    = "nhsa"
)

var keptText = base64.RawStdEncoding

// keep builds the command's personal fields.
func (m *message) keep(catalogueVersion string) fault {
	b := append(m.content[:0], keptVersion)
	b = binary.AppendUvarint(b, uint64(numberOf([]byte(m.tx.infno))))
	all := byte(0)
	if m.sumAll {
		all = 1
	}
	b = binary.LittleEndian.AppendUint64(append(b, all), m.digest)
	b = binary.AppendUvarint(b, uint64(m.result.Ratio))
	b = append(append(b, byte(len(catalogueVersion))), catalogueVersion...)
	b = append(append(b, byte(len(m.result.Version))), m.result.Version...)
	b = binary.AppendUvarint(b, uint64(m.psnType))
	b = binary.AppendUvarint(b, uint64(len(m.lines)))
	for i := range m.lines {
		b = appendParts(b, &m.lines[i].Parts)
	}
	m.content = b
	o := out{b: m.blob[:0]}
	o.open()
	o.text("opter", m.header(envOpter))
	o.text("opter_name", m.header(envName))
	if i := m.form.invono; i >= 0 && m.get(m.bill, i).has {
		o.text("invono", m.get(m.bill, i).text)
	}
	o.key(keptName)
	o.b = keptText.AppendEncode(append(o.b, '"'), b)
	o.b = append(o.b, '"')
	o.end()
	if m.blob = o.b; len(m.blob) > command.BlobMax {
		return fault{code: codeTooMany, where: "drugdetail", limit: len(m.lines) - 1}
	}
	return fault{}
}

func appendParts(b []byte, p *catalogue.Parts) []byte {
	b = binary.AppendVarint(b, p.Fulamt)
	b = binary.AppendVarint(b, p.Overlmt)
	b = binary.AppendVarint(b, p.Preselfpay)
	b = binary.AppendUvarint(b, uint64(p.CeilingPrice))
	b = binary.AppendUvarint(b, uint64(p.SelfpayProp))
	return append(b, p.Level, p.ChargeType, byte(p.Flags), byte(p.Why))
}

// blobShape is what keep and api/rest write.
var blobShape = strictjson.MustShape("opter opter_name dev_no? invono? agent? nhsa?")

// private are a settlement's personal fields that an answer tells.
type private struct {
	opter, opterName, invono []byte
	kept                     []byte
}

func openBlob(entry *engine.Entry) (p private, ok bool) {
	if entry.Details.Cipher != 0 || len(entry.Details.Blob) == 0 {
		return p, true
	}
	var d strictjson.Decoder
	d.Reset(entry.Details.Blob)
	for d.Object(blobShape); d.Next(); {
		switch d.Field() {
		case "opter":
			p.opter = d.String(30, 120)
		case "opter_name":
			p.opterName = d.String(50, 200)
		case "dev_no":
			d.String(30, 120)
		case "invono":
			p.invono = d.String(30, 120)
		case "agent":
			skipAgent(&d)
		case keptName:
			p.kept = d.String(command.BlobMax, command.BlobMax)
		}
	}
	return p, d.Done() == nil
}

var agentShape = strictjson.MustShape("cert_type certno name relation principal_doc_shown")

func skipAgent(d *strictjson.Decoder) {
	for d.Object(agentShape); d.Next(); {
		switch d.Field() {
		case "cert_type":
			d.Int(0, 999_999)
		case "principal_doc_shown":
			d.Bool()
		default:
			d.String(50, 200)
		}
	}
}

// keptOf opens what this face kept of a settlement; false: another one made it.
func keptOf(entry *engine.Entry) (k kept, ok bool) {
	p, ok := openBlob(entry)
	if !ok || p.kept == nil {
		return k, false
	}
	b, err := keptText.AppendDecode(nil, p.kept)
	if err != nil || len(b) == 0 || b[0] != keptVersion {
		return k, false
	}
	return k, k.read(b[1:])
}

// read is the inverse of keep. The bytes come from the log, so a fault in them is damage.
func (k *kept) read(b []byte) (ok bool) {
	c := cursor{b: b, ok: true}
	k.infno = c.uint()
	k.sumAll = c.byte() != 0
	k.digest = c.fixed()
	k.ratio = int64(c.uint())
	k.catalogue = c.text()
	k.fund = c.text()
	k.psnType = uint32(c.uint())
	k.lines = c.parts()
	return c.ok && len(c.b) == 0
}

// parts reads a number and as many of what appendParts writes.
func (c *cursor) parts() (list []catalogue.Parts) {
	n := c.uint()
	for i := uint64(0); i < n && c.ok; i++ {
		list = append(list, catalogue.Parts{Fulamt: c.int(), Overlmt: c.int(), Preselfpay: c.int(), CeilingPrice: int64(c.uint()), SelfpayProp: int64(c.uint()),
			Level: c.byte(), ChargeType: c.byte(), Flags: catalogue.Flags(c.byte()), Why: catalogue.Why(c.byte())})
	}
	return list
}

// cursor reads bytes; after the first fault it gives zeros.
type cursor struct {
	b  []byte
	ok bool
}

func (c *cursor) take(n int) []byte {
	if c.ok = c.ok && n >= 0 && len(c.b) >= n; !c.ok {
		return nil
	}
	s := c.b[:n]
	c.b = c.b[n:]
	return s
}

func (c *cursor) uint() uint64 {
	v, n := binary.Uvarint(c.b)
	c.take(max(n, 1) * sign(n))
	return v
}

func (c *cursor) int() int64 {
	v, n := binary.Varint(c.b)
	c.take(max(n, 1) * sign(n))
	return v
}

// sign is 1 of a length that Uvarint has read, -1 if it has not.
func sign(n int) int {
	if n > 0 {
		return 1
	}
	return -1
}

func (c *cursor) byte() byte {
	if s := c.take(1); s != nil {
		return s[0]
	}
	return 0
}

func (c *cursor) fixed() uint64 {
	if s := c.take(8); s != nil {
		return binary.LittleEndian.Uint64(s)
	}
	return 0
}

func (c *cursor) text() string { return string(c.take(int(c.byte()))) }
