package rest

import (
	"gongji/api"
	"gongji/api/ids"
	"gongji/api/strictjson"
	"gongji/engine"
	"gongji/engine/command"
)

// billBlobShape is what keySettlement and api/nhsa write.
var (
	billBlobShape  = strictjson.MustShape("opter opter_name dev_no? invono? agent? nhsa?")
	agentBlobShape = strictjson.MustShape("cert_type certno name relation principal_doc_shown")
)

// settlementFull is GET /v1/settlements/{setl_id}/full: what only the bureau sees of a bill beside its amounts: what was shown, who asked,
// and who bought on behalf of the patient (P1 to P3).
func (f *face) settlementFull(c *api.Call) {
	entry, ok := f.pathSettlement(c)
	if !ok {
		return
	}
	a := &c.Out
	a.Begin()
	a.String("setl_id", idText(ids.Settlement, uint64(entry.Position)))
	a.String("mdtrt_cert_type", "0"+string('0'+rune(entry.Command.CredType)))
	if entry.Command.Day != 0 {
		a.Date("begndate", dateOf(entry.Command.Day))
	}
	if err := appendPrivate(a, &entry); err != nil {
		c.Fail(api.Problem{Code: api.CodeUnavailable})
		return
	}
	a.Time("setl_time", entry.TimeMS)
	a.Uint("sequence", entry.Position.Sequence())
	a.End()
	c.OK(200)
}

// appendPrivate opens a settlement's personal fields.
func appendPrivate(a *strictjson.Appender, entry *engine.Entry) error {
	if entry.Details.Cipher != 0 || len(entry.Details.Blob) == 0 { // sealed for somebody else, erased, or logged by another way
		return nil
	}
	var d strictjson.Decoder
	d.Reset(entry.Details.Blob)
	for d.Object(billBlobShape); d.Next(); {
		switch name := d.Field(); name {
		case "opter_name":
			a.Bytes(name, d.String(nameMax, nameMax*bytesAChar))
		case "agent":
			appendAgent(a, &d)
		case "nhsa": // what the national interface keeps for its own answers
			d.String(command.BlobMax, command.BlobMax)
		default: // of a national message any text without control characters
			a.Bytes(name, d.String(opterMax, opterMax*bytesAChar))
		}
	}
	return d.Done()
}

func appendAgent(a *strictjson.Appender, d *strictjson.Decoder) {
	var code [10]byte
	a.BeginKey("agent")
	for d.Object(agentBlobShape); d.Next(); {
		switch name := d.Field(); name {
		case "cert_type":
			a.Bytes(name, codeText(code[:0], uint32(d.Int(0, typeMax))))
		case "certno":
			a.String(name, ids.Mask(d.Token(certnoMax)))
		case "name":
			a.Bytes(name, d.String(nameMax, nameMax*bytesAChar))
		case "relation":
			a.Bytes(name, d.Digits(1, 3))
		case "principal_doc_shown":
			a.Bool(name, d.Bool())
		}
	}
	a.End()
}
