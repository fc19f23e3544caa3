package nhsa

import (
	"gongji/api/strictjson"
	"gongji/engine/ledger"
)

// personBlobShape is what api/rest writes into a person's record.
var personBlobShape = strictjson.MustShape("psn_name certno phone?")

// record opens a person's record. Fields that are sealed for somebody else stay empty.
func (f *face) record(number uint32) (psnNo []byte, a about, x fault) {
	r, found, err := f.engine.Person(number)
	if err != nil || !found {
		return nil, a, fault{code: codeUnavailable}
	}
	a = about{certType: r.CertType, gend: r.Sex, birth: r.Birth, known: r.Birth != ledger.BirthUnknown}
	if r.Cipher != 0 || len(r.Blob) == 0 {
		return r.PsnNo, a, fault{}
	}
	var d strictjson.Decoder
	d.Reset(r.Blob)
	for d.Object(personBlobShape); d.Next(); {
		switch d.Field() {
		case "psn_name":
			a.name = append([]byte(nil), d.String(50, 200)...)
		case "certno":
			a.certno = append([]byte(nil), d.Token(50)...)
		case "phone":
			d.Token(30)
		}
	}
	if d.Done() != nil {
		return r.PsnNo, a, fault{code: codeUnavailable}
	}
	return r.PsnNo, a, fault{}
}
