package nhsa

import (
	"encoding/binary"
	"slices"

	"github.com/cespare/xxhash/v2"

	"gongji/api/nhsa/catalogue"
	"gongji/engine"
	"gongji/engine/command"
	"gongji/engine/ledger"
)

// A command that brings something to a visit keeps what was sent in its personal fields: every row of every node of its table, field by field, numbers in
// one spelling; and of fee lines what the catalogue said of them. The table is that of its infno: fields may be added at its end only. One that takes
// something away has all that matters in the command, and keeps who sent it.
const textsVersion = 1

// credentialNames stay out: tokens go no further than their keys (R27), the person's record has name and certificate, and none of them is content (R10).
var credentialNames = []string{"mdtrt_cert_type", "mdtrt_cert_no", "card_sn", "psn_cert_type", "cert_type", "certno", "psn_name"}

// isContent tells whether a field of a visit's table is kept and content.
func (f *field) isContent() bool {
	return f.kind != kindNode && !slices.Contains(credentialNames, f.name)
}

// keepTexts builds the personal fields of a command on a visit, and the digest of its texts.
func (m *message) keepTexts(f *face) fault {
	version := ""
	if m.cmd.Kind == ledger.KindLinesAdd {
		version = f.opt.Classifier.Version()
	}
	b := append(m.blob[:0], textsVersion)
	b = binary.AppendUvarint(b, uint64(numberOf([]byte(m.tx.infno))))
	for _, s := range [...][]byte{m.header(envOpter), m.header(envName), []byte(version)} {
		b = append(append(b, byte(len(s))), s...)
	}
	content := len(b)
	for i := range m.tx.input.fields {
		v := m.get(m.in, i)
		b = binary.AppendUvarint(b, uint64(v.rows))
		for r := v.row - 1; r >= 0; r = m.rows[r].next - 1 {
			b = m.appendRow(b, r)
		}
	}
	sum := xxhash.New()
	_, _ = sum.WriteString(m.tx.infno) // a hash does not fail
	_, _ = sum.Write(b[content:])
	m.more.Visit.Text = sum.Sum64()
	if m.cmd.Kind == ledger.KindLinesAdd {
		b = binary.AppendUvarint(b, uint64(len(m.lines)))
		for i := range m.lines {
			b = appendParts(b, &m.lines[i].Parts)
		}
	}
	if !m.bringsTexts() {
		b = b[:content]
	}
	if m.blob = b; len(b) > command.TextsMax {
		return fault{code: codeTooLong, where: m.tx.input.fields[0].name, text: "内容过长，请分次上传"}
	}
	return fault{}
}

// bringsTexts: these kinds have room for texts, command.TextsMax; the others have command.BlobMax.
func (m *message) bringsTexts() bool {
	switch m.cmd.Kind {
	case ledger.KindVisitOpen, ledger.KindVisitChange, ledger.KindLinesAdd, ledger.KindDischarge:
		return true
	}
	return false
}

// appendRow writes a row's fields: each its length and its text.
func (m *message) appendRow(b []byte, r int32) []byte {
	n := m.rows[r].node
	for i := range n.fields {
		f, v := &n.fields[i], m.get(r, i)
		switch {
		case !f.isContent() || !v.has:
			b = append(b, 0)
		case f.kind == kindNumber:
			var text [24]byte
			s := appendNumber(text[:0], v.num, f.scale)
			b = append(append(b, byte(len(s))), s...)
		default:
			b = append(binary.AppendUvarint(b, uint64(len(v.text))), v.text...)
		}
	}
	return b
}

// textDigest is that of one row: of a fee line it is what makes a line sent again the same line.
func (m *message) textDigest(r int32) uint64 {
	m.content = m.appendRow(m.content[:0], r)
	return xxhash.Sum64(m.content)
}

// keptTexts are what a command on a visit kept.
type keptTexts struct {
	tx               *transaction
	opter, opterName []byte
	rows             [][][][]byte // by node of the input, row, field
	parts            []catalogue.Parts
}

// textsOf opens the personal fields of a command on a visit.
func (f *face) textsOf(entry *engine.Entry) (k keptTexts, ok bool) {
	b := entry.Details.Blob
	if entry.Details.Cipher != 0 || len(b) == 0 || b[0] != textsVersion {
		return k, false
	}
	c := cursor{b: b[1:], ok: true}
	if k.tx = f.table[string(appendCode(nil, uint32(c.uint())))]; k.tx == nil {
		return k, false
	}
	k.opter, k.opterName = c.take(int(c.byte())), c.take(int(c.byte()))
	c.take(int(c.byte())) // version of the catalogue: for auditors
	for i := range k.tx.input.fields {
		n := k.tx.input.fields[i].node
		rows := make([][][]byte, 0, 8)
		for range min(c.uint(), uint64(max(n.max, 1))) {
			row := make([][]byte, len(n.fields))
			for j := range row {
				row[j] = c.take(int(min(c.uint(), command.TextsMax)))
			}
			rows = append(rows, row)
		}
		k.rows = append(k.rows, rows)
	}
	if entry.Command.Kind == ledger.KindLinesAdd {
		k.parts = c.parts()
	}
	return k, c.ok && len(c.b) == 0
}

// field is a field of row r of a node; empty if there is none.
func (k *keptTexts) field(n *node, r, field int) []byte {
	for i := range k.rows {
		if k.tx.input.fields[i].node == n && r < len(k.rows[i]) {
			return k.rows[i][r][field]
		}
	}
	return nil
}

// named is a field of the first row by its name; empty if there is none.
func (k *keptTexts) named(name string) []byte {
	if len(k.rows) == 0 || len(k.rows[0]) == 0 {
		return nil
	}
	if i := k.tx.input.fields[0].node.maybe(name); i >= 0 {
		return k.rows[0][0][i]
	}
	return nil
}

// opening reads the command that opened a visit of the caller's.
func (f *face) opening(m *message, at ledger.Position) (keptTexts, fault) {
	entry, x := f.openedBy(m, at)
	if x.bad() {
		return keptTexts{}, x
	}
	k, ok := f.textsOf(&entry)
	if !ok {
		return k, fault{code: codeUnavailable}
	}
	return k, fault{}
}

// openedBy is the command itself; a position that holds none of this institution is an unknown visit.
func (f *face) openedBy(m *message, at ledger.Position) (engine.Entry, fault) {
	entry, err := f.engine.Entry(at)
	switch {
	case isMissing(err), err == nil && (entry.Effect.Kind != ledger.KindVisitOpen || entry.Effect.Outcome != ledger.Accepted || entry.Command.Institution != m.institution()):
		return entry, refused(ledger.VisitUnknown)
	case err != nil:
		return entry, fault{code: codeUnavailable}
	}
	return entry, fault{}
}
