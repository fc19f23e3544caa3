package nhsa

import (
	"errors"

	"gongji/api/ids"
	"gongji/engine"
	"gongji/engine/ledger"
)

// shown is what a patient presents, in any table that has these fields.
type shown struct {
	kind, number, sn, certType, certno int // places in the table; -1: not in it
}

func shownIn(n *node) shown {
	return shown{n.maybe("mdtrt_cert_type"), n.maybe("mdtrt_cert_no"), n.maybe("card_sn"), n.maybe("psn_cert_type"), n.maybe("certno")}
}

// credential turns what the patient shows into the key that the ledger compares (I1 to I4, R27). The number or token goes no further.
func (f *face) credential(m *message, r int32, s *shown) (kind ledger.CredentialType, key ledger.Key, x fault) {
	n := m.rows[r].node
	place := func(i int) string { return appendPlace(n, i) }
	number := m.get(r, s.number).text
	switch string(m.get(r, s.kind).text) {
	case "01":
		holder, err := f.opt.Vouchers.Resolve(number, f.engine.NowMS())
		if errors.Is(err, engine.ErrVoucher) {
			return 0, key, fault{code: codeVoucher, where: place(s.number)}
		}
		if err != nil {
			return 0, key, fault{code: codeUnavailable, where: place(s.number)}
		}
		return ledger.CredentialEvoucher, holder, fault{}
	case "03":
		if !m.get(r, s.sn).has {
			return 0, key, fault{code: codeMissing, where: place(s.sn), label: n.fields[s.sn].text}
		}
		return ledger.CredentialCard, f.engine.CardKey(number, m.get(r, s.sn).text), fault{}
	}
	key, ok := f.pseudonym(m, certIdentity, number)
	if !ok {
		return 0, key, badValue(place(s.number))
	}
	return ledger.CredentialCertificate, key, f.sameNumber(m, r, s, number)
}

func appendPlace(n *node, i int) string { return n.name + "." + n.fields[i].name }

const certIdentity = "01" // psn_cert_type

// sameNumber refuses an identity card whose number is not the one told as the patient's: two people in one message.
func (f *face) sameNumber(m *message, r int32, s *shown, number []byte) fault {
	if s.certno < 0 || !m.get(r, s.certno).has || string(m.get(r, s.certType).text) != certIdentity {
		return fault{}
	}
	told := m.get(r, s.certno).text
	if len(told) == len(number) {
		same := true
		for i := range told {
			a, b := told[i], number[i]
			same = same && (a == b || a|0x20 == 'x' && b|0x20 == 'x')
		}
		if same {
			return fault{}
		}
	}
	return fault{code: codeBadValue, where: appendPlace(m.rows[r].node, s.certno), text: "与就诊凭证编号不是同一人"}
}

// pseudonym is the ledger's name for a certificate; false: an identity number that cannot be.
func (f *face) pseudonym(m *message, certType string, number []byte) (ledger.Key, bool) {
	if certType == certIdentity {
		if ids.CheckCertno(number) != nil {
			return ledger.Key{}, false
		}
		number = ids.AppendCertno(m.certno[:0], number)
	}
	return f.engine.Pseudonym(certType, number), true
}

// about is what an answer tells of a person besides what was sent.
type about struct {
	name, certno []byte
	certType     uint32
	gend         uint8
	birth        int32
	known        bool
}

// aboutCertno reads sex and birth out of an identity number; false: it is none.
func aboutCertno(certType, certno []byte) (a about, ok bool) {
	if string(certType) != certIdentity {
		return a, false
	}
	c, err := ids.ParseCertno(certno)
	if err != nil {
		return a, false
	}
	a.gend = 1
	if c.Female {
		a.gend = 2
	}
	a.birth, a.known = int32(daysOf(c.Year, c.Month, c.Day)), true
	return a, true
}

// age is in whole years on a day.
func (a *about) age(today int64) int64 {
	if !a.known {
		return 0
	}
	y, mo, d := civil(int64(a.birth))
	ty, tm, td := civil(today)
	years := ty - y
	if tm < mo || tm == mo && td < d {
		years--
	}
	return int64(max(years, 0))
}
