// Package strictjson reads JSON requests of fixed shape strictly and writes JSON answers, without allocating.
//
// A reader is a loop over the fields of a Shape:
//
//	var shape = strictjson.MustShape("msgid psn_no amount card_sn?")
//
//	d.Reset(body)
//	d.Object(shape)
//	for d.Next() {
//		switch d.Field() {
//		case "msgid":
//			in.msgid = d.Token(30)
//		case "amount":
//			in.amount = d.Amount()
//		...
//		}
//	}
//	if err := d.Done(); err != nil { ... } // *Error
//
// The first error sticks: every later call returns a zero value and every loop ends, so a handler
// looks at the error once, in Done. See DESIGN.md in api for what is refused and why.
package strictjson
