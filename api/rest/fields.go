package rest

import (
	"slices"
	"time"

	"gongji/api"
	"gongji/api/ids"
	"gongji/api/strictjson"
	"gongji/engine/command"
	"gongji/engine/ledger"
)

// Lengths of fields, in characters: those of nhsa-interface.md where it has them, and together such that a command's personal fields
// fit command.BlobMax (a test fills them all).
const (
	msgidMax   = command.MessageMax
	codeMax    = command.CodeMax
	psnNoMax   = command.PsnNoMax
	runIDMax   = command.RunIDMax
	certnoMax  = 50
	nameMax    = 50
	opterMax   = 30 // opter, dev_no, invono and other short tokens
	cardMax    = 32
	reasonMax  = 100
	letterMax  = 200 // the declaration of a commitment letter
	bytesAChar = 4   // of UTF-8, at most
	versionMax = 20
	fileMax    = 64 // ?file= of a load
)

const typeMax = 999_999 // national type codes have at most 6 digits

// text reads a text that must not be empty.
func text(d *strictjson.Decoder, chars int) []byte {
	s := d.String(chars, chars*bytesAChar)
	if len(s) == 0 {
		d.Refuse(strictjson.CodeBadValue)
	}
	return s
}

// typeCode reads a national type code of min to max digits. A leading zero is refused unless two digits are all: the log keeps numbers,
// and one number must have one text.
func typeCode(d *strictjson.Decoder, min, max int) uint32 {
	s := d.Digits(min, max)
	n := uint32(0)
	for _, c := range s {
		n = n*10 + uint32(c-'0')
	}
	if len(s) > 2 && s[0] == '0' {
		d.Refuse(strictjson.CodeBadValue)
	}
	return n
}

// area reads the six digits of an area code; it does not begin with 0.
func area(d *strictjson.Decoder) uint32 {
	n := typeCode(d, 6, 6)
	return n
}

// period reads a month, "202501", as that number.
func period(d *strictjson.Decoder) uint32 {
	n := typeCode(d, 6, 6)
	if m := n % 100; m < 1 || m > 12 {
		d.Refuse(strictjson.CodeBadValue)
	}
	return n
}

// positive reads an amount that must not be 0 (R2).
func positive(d *strictjson.Decoder) int64 {
	fen := d.Amount()
	if fen == 0 {
		d.Refuse(strictjson.Code(CodeZero))
	}
	return fen
}

func day(d *strictjson.Decoder) int32 { return int32(d.Date().Days()) }

// dateOf is a day since 1970-01-01 as a date.
func dateOf(day int32) strictjson.Date {
	y, m, d := time.Unix(int64(day)*86_400, 0).UTC().Date()
	return strictjson.Date(y*10_000 + int(m)*100 + d)
}

// canonicalCertno checks a certificate number and gives its one spelling, in w's memory. Identity cards are checked by GB 11643.
func (w *work) canonicalCertno(certType uint32, number []byte) (canonical []byte, ok bool) {
	if certType != 1 {
		return number, true
	}
	if ids.CheckCertno(number) != nil {
		return nil, false
	}
	return ids.AppendCertno(w.number[:0], number), true
}

// pseudonym is the ledger's name for a certificate.
func (f *face) pseudonym(certType uint32, canonical []byte) ledger.Key {
	if certType == 1 {
		return f.engine.Pseudonym(identityCard, canonical)
	}
	return f.engine.Pseudonym(string(codeText(nil, certType)), canonical)
}

// pathPerson reads {psn_no}; false: no such person can exist.
func pathPerson(c *api.Call) (psnNo []byte, ok bool) {
	psnNo = c.Param(0)
	return psnNo, len(psnNo) <= psnNoMax
}

// notFound is the answer to what a path or a question names and the ledger does not have; no command was logged.
func notFound(field string) api.Problem { return api.Problem{Code: api.CodeNotFound, Field: field} }

func idText(k ids.Kind, n uint64) string {
	var buf [ids.Len]byte
	return string(ids.Append(buf[:0], k, n))
}

// parseDay reads a date of a query.
func parseDay(b []byte) (day int32, ok bool) {
	t, err := time.Parse(time.DateOnly, string(b))
	if err != nil || len(b) != len(time.DateOnly) {
		return 0, false
	}
	return int32(t.Unix() / 86_400), true
}

func validCertno(number []byte) bool { return ids.CheckCertno(number) == nil }

// typeCodeMost is typeCode with a largest value.
func typeCodeMost(d *strictjson.Decoder, min, max int, most uint32) uint32 {
	n := typeCode(d, min, max)
	if n > most {
		d.Refuse(strictjson.CodeBadValue)
	}
	return n
}

// queryMax is the most names a call has in its query.
const queryMax = 5

// readQuery reads the query of a call that knows these names. A value that is not there is nil. A repeated name is refused: nobody could
// say which one counts.
func readQuery(c *api.Call, names ...string) (values [queryMax][]byte, x fault) {
	q := c.Query()
	for q.Next() {
		i := slices.Index(names, string(q.Key))
		switch {
		case i < 0:
			return values, fault{api.CodeUnknownField, "query"}
		case values[i] != nil:
			return values, fault{api.CodeDuplicateField, names[i]}
		}
		if values[i] = q.Value; values[i] == nil {
			values[i] = []byte{}
		}
	}
	if q.Bad {
		return values, badValue("query")
	}
	return values, fault{}
}
