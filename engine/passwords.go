package engine

import (
	"crypto/hmac"
	"crypto/sha256"

	"gongji/engine/ledger"
)

const passwordLabel = "gongji password 0"

// derive makes a key of its own for a use, from the pseudonym secret of the key file.
func (k *Keys) derive(label string) (key [sha256.Size]byte) {
	h := hmac.New(sha256.New, k.pseudonym)
	h.Write([]byte(label))
	h.Sum(key[:0])
	return key
}

// PasswordDigest is all that log and ledger ever see of a password (R23): 16 bytes of HMAC-SHA-256 over ("password", authorizer's key, password),
// keyed by the key file and salted by whose it is, so that equal passwords of two people are not equal and none can be searched without the file.
func (e *Engine) PasswordDigest(authorizer ledger.Key, password []byte) ledger.Key {
	h := hmac.New(sha256.New, e.keys.passwords[:])
	h.Write([]byte("password"))
	h.Write(authorizer[:])
	h.Write(password)
	var sum [sha256.Size]byte
	return ledger.Key(h.Sum(sum[:0])[:16])
}

// cardPseudonym separates cards from certificates: no certificate type has a space.
const cardPseudonym = "card 03"

// CardKey is the ledger's name for a social-security card: keyed pseudonym of number and card_sn (R27).
func (e *Engine) CardKey(number, cardSN []byte) ledger.Key {
	var buf [pseudonymMax]byte
	text := append(buf[:0], byte(len(number)))
	text = append(text, number...)
	return e.Pseudonym(cardPseudonym, append(text, cardSN...))
}
