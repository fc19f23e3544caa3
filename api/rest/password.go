package rest

import (
	"gongji/api"
	"gongji/api/strictjson"
	"gongji/engine/ledger"
)

var (
	secretShape = strictjson.MustShape("msgid channel action password old_password?")
	resetShape  = strictjson.MustShape("msgid operator")
)

// password is POST /v1/persons/{psn_no}/password: an authorizer sets or changes the password of his sharing (L5, K20, R23). The texts end here:
// the command has digests.
func (f *face) password(c *api.Call) {
	var password, old []byte
	channel, changes := 0, false
	var message []byte
	f.aboutPerson(c, ledger.KindPassword, func(w *work, d *strictjson.Decoder) (msgid []byte) {
		for d.Object(secretShape); d.Next(); {
			switch d.Field() {
			case "msgid":
				message = d.Token(msgidMax)
			case "channel":
				channel = d.Enum(channelEnum)
			case "action":
				changes = d.Enum(secretEnum) == 1
			case "password":
				password = d.Token(passwordMax)
			case "old_password":
				old = d.Token(passwordMax)
			}
		}
		return message
	}, func(w *work) fault {
		switch {
		case changes && old == nil:
			return fault{api.CodeMissingField, "old_password"}
		case !changes && old != nil:
			return badValue("old_password")
		case isWeak(password):
			return fault{CodeWeak, "password"}
		}
		name := []byte(channelNames[channel])
		w.cmd.ID, w.details.Caller = ledger.K(name, message), name
		psnNo, _ := pathPerson(c)
		authorizer := ledger.K(psnNo)
		x := &w.more.Secret
		*x = ledger.Secret{Action: ledger.PasswordSet, New: f.engine.PasswordDigest(authorizer, password)}
		if changes {
			x.Action, x.Old = ledger.PasswordChange, f.engine.PasswordDigest(authorizer, old)
		}
		return fault{}
	})
}

// isWeak reports passwords that are tried first: short ones, one character again and again (000000), and runs (123456).
func isWeak(p []byte) bool {
	if len(p) < passwordMin {
		return true
	}
	step := p[1] - p[0]
	if step != 0 && step != 1 && step != 255 {
		return false
	}
	for i := 2; i < len(p); i++ {
		if p[i]-p[i-1] != step {
			return false
		}
	}
	return true
}

// resetPassword is POST /v1/persons/{psn_no}/password-reset: the bureau takes a password away. He has none then, and his sharing rests until
// he sets one.
func (f *face) resetPassword(c *api.Call) {
	var operator []byte
	f.aboutPerson(c, ledger.KindPassword, func(w *work, d *strictjson.Decoder) (msgid []byte) {
		for d.Object(resetShape); d.Next(); {
			switch d.Field() {
			case "msgid":
				msgid = d.Token(msgidMax)
			case "operator":
				operator = d.Token(opterMax)
			}
		}
		return msgid
	}, func(w *work) fault {
		w.more.Secret = ledger.Secret{Action: ledger.PasswordReset}
		w.blob.Begin()
		w.blob.Bytes("operator", operator)
		w.blob.End()
		return fault{}
	})
}
