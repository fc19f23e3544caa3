package nhsa

import (
	"bytes"

	signature "gongji/api/nhsa/sign"
	"gongji/engine/ledger"
)

// Lengths of what stands in cainfo: a person's number as in every table, a password as /v1 takes it.
const (
	psnNoMax    = 30
	passwordMax = 30
)

// readPasswords reads the authorizers' passwords of a settlement out of cainfo, where the profile in force asks for them (R23) and an account is to
// be used: "psn_no=password", pairs separated by one space. The texts end here: the command has digests. Where the scheme's signature stands in
// cainfo nothing can be told, so relatives are skipped: no bill is refused for a password (R23). Under profiles without passwords cainfo is not looked at.
func (f *face) readPasswords(m *message) fault {
	if !f.knobs.passwords.Load() || m.cmd.UsedFlag == 0 || f.opt.Guard.Scheme() == signature.SchemeEnvelope {
		return fault{}
	}
	m.passwords = m.passwords[:0]
	for text, more := m.header(envCainfo), true; more && len(text) > 0; {
		var pair []byte
		pair, text, more = bytes.Cut(text, []byte{' '})
		psnNo, password, _ := bytes.Cut(pair, []byte{'='})
		if !isToken(psnNo, psnNoMax) || !isToken(password, passwordMax) || more && len(text) == 0 {
			return fault{code: codeBadValue, where: "cainfo", text: "共济密码应为“人员编号=密码”，多项以一个空格分隔"}
		}
		if m.passwords.Len() == ledger.PasswordsMax {
			return fault{code: codeTooMany, where: "cainfo", limit: ledger.PasswordsMax}
		}
		authorizer := ledger.K(psnNo)
		m.passwords = m.passwords.Add(authorizer, f.engine.PasswordDigest(authorizer, password))
	}
	m.cmd.Passwords = m.passwords
	return fault{}
}

// isToken tells whether a text has 1 to most visible ASCII characters.
func isToken(s []byte, most int) bool {
	for _, c := range s {
		if c <= ' ' || c >= 0x7f {
			return false
		}
	}
	return len(s) > 0 && len(s) <= most
}
