package engine

import (
	"crypto/hmac"
	"crypto/sha256"
	"encoding/base64"
	"encoding/binary"
	"errors"

	"gongji/engine/ledger"
	"gongji/engine/state"
)

// ErrVoucher says that a token is no e-voucher, not genuine, or expired. It never says more: a token is a secret.
var ErrVoucher = errors.New("not a valid e-voucher")

// VoucherVerifier resolves the token that a patient's e-voucher shows to the pseudonym of its holder's certificate, before the command is
// logged: the log keeps the pseudonym and never the token (R27). Any goroutine; within a call's deadline, since nothing is logged meanwhile.
type VoucherVerifier interface {
	// Resolve fails with ErrVoucher if the token is not valid at nowMS, unix ms; any other error means that nobody could tell.
	Resolve(token []byte, nowMS int64) (ledger.Key, error)
}

// TestVouchers is the shipped verifier: tokens signed with a key derived from the key file. It stands where a region plugs in its e-voucher
// platform, and lets tests and the demo show e-vouchers.
type TestVouchers struct{ key [sha256.Size]byte }

const (
	voucherLabel    = "gongji test voucher 0"
	voucherMACBytes = 12 // 96 bits: out of reach of guessing, and the token has 43 characters of the 50 of mdtrt_cert_no
	voucherBytes    = 4 + 16 + voucherMACBytes
)

var voucherText = base64.RawURLEncoding.Strict()

// Issue makes a token of a certificate's pseudonym, valid until a time in unix s.
func (v *TestVouchers) Issue(holder ledger.Key, expires uint32) []byte {
	b := binary.BigEndian.AppendUint32(make([]byte, 0, voucherBytes), expires)
	b = append(b, holder[:]...)
	return voucherText.AppendEncode(nil, v.sign(b))
}

func (v *TestVouchers) sign(b []byte) []byte {
	h := hmac.New(sha256.New, v.key[:])
	h.Write(b)
	return append(b, h.Sum(nil)[:voucherMACBytes]...)
}

// Resolve checks form, signature and expiry.
func (v *TestVouchers) Resolve(token []byte, nowMS int64) (holder ledger.Key, err error) {
	b := make([]byte, 0, voucherBytes)
	if voucherText.DecodedLen(len(token)) != voucherBytes {
		return holder, ErrVoucher
	}
	if b, err = voucherText.AppendDecode(b, token); err != nil {
		return holder, ErrVoucher
	}
	body := b[:voucherBytes-voucherMACBytes]
	if !hmac.Equal(v.sign(append([]byte(nil), body...)), b) || nowMS >= 1000*int64(binary.BigEndian.Uint32(b)) {
		return holder, ErrVoucher
	}
	return ledger.Key(b[4:20]), nil
}

// TestVouchers is the verifier of test tokens signed with this ledger's key file.
func (e *Engine) TestVouchers() *TestVouchers { return &TestVouchers{key: e.keys.derive(voucherLabel)} }

// NowMS is the clock that ledger time follows, unix ms: what tokens expire by.
func (e *Engine) NowMS() int64 { return e.options.Clock.Wall() }

// IssueTestVoucher makes a test token for the holder of a certificate of the ledger in dir, which may be running. number is canonical.
func IssueTestVoucher(dir, keyFile, certType string, number []byte, expires uint32) ([]byte, error) {
	id, err := readIdentity(state.DefaultFS, dir, identityName)
	if err != nil {
		return nil, err
	}
	k, err := LoadKeys(keyFile, id.Ledger)
	if err != nil {
		return nil, err
	}
	v := TestVouchers{key: k.derive(voucherLabel)}
	return v.Issue(k.Pseudonym(certType, number), expires), nil
}
