package sign

import (
	"bytes"
	"crypto/cipher"
	"crypto/ecdsa"
	"crypto/rand"
	"encoding/asn1"
	"errors"
	"math/big"

	"github.com/emmansun/gmsm/sm2"
	"github.com/emmansun/gmsm/sm3"
	"github.com/emmansun/gmsm/sm4"
)

// userID is the signer's identity in GB/T 32918.2's digest Z: the default of GM/T 0009, and HB's.
const userID = "1234567812345678"

const (
	sm2Bytes     = 32           // of a private key, of r and of s
	sm2RawBytes  = 2 * sm2Bytes // r and s
	sm2DERMax    = 72           // two integers of at most 33 bytes with their heads, and the sequence's
	sm2PublicLen = 1 + 2*sm2Bytes
)

// verifier is somebody's public key with its Z, which is the same for each message.
type verifier struct {
	key *ecdsa.PublicKey
	z   []byte
}

func (v *verifier) set(raw []byte) bool {
	if len(raw) != sm2PublicLen {
		return false
	}
	key, err := sm2.NewPublicKey(raw)
	if err != nil {
		return false
	}
	z, err := sm2.CalculateZA(key, []byte(userID))
	if err != nil {
		return false
	}
	v.key, v.z = key, z
	return true
}

// digest is SM3(Z || text): what GB/T 32918.2 signs.
func (v *verifier) digest(text []byte) []byte {
	h := sm3.New()
	h.Write(v.z)
	h.Write(text)
	return h.Sum(nil)
}

// verifyDER checks a signature in DER.
func (v *verifier) verifyDER(text, sig []byte) bool {
	return sm2.VerifyASN1(v.key, v.digest(text), sig)
}

type signatureDER struct{ R, S *big.Int }

// verifyRaw checks a signature of r and s, 32 bytes each.
func (v *verifier) verifyRaw(text, sig []byte) bool {
	if len(sig) != sm2RawBytes {
		return false
	}
	der, err := asn1.Marshal(signatureDER{new(big.Int).SetBytes(sig[:sm2Bytes]), new(big.Int).SetBytes(sig[sm2Bytes:])})
	return err == nil && v.verifyDER(text, der)
}

// signer is a private key of our own.
type signer struct {
	verifier // its public half
	private  *sm2.PrivateKey
}

func (s *signer) set(raw []byte) bool {
	private, err := sm2.NewPrivateKey(raw)
	if err != nil {
		return false
	}
	z, err := sm2.CalculateZA(&private.PublicKey, []byte(userID))
	if err != nil {
		return false
	}
	s.private, s.key, s.z = private, &private.PublicKey, z
	return true
}

func (s *signer) signDER(text []byte) ([]byte, error) {
	return sm2.SignASN1(rand.Reader, s.private, s.digest(text), nil)
}

func (s *signer) signRaw(text []byte) ([]byte, error) {
	der, err := s.signDER(text)
	if err != nil {
		return nil, err
	}
	var sig signatureDER
	if rest, err := asn1.Unmarshal(der, &sig); err != nil || len(rest) > 0 {
		return nil, errors.New("sign: our own signature cannot be read")
	}
	raw := make([]byte, sm2RawBytes)
	sig.R.FillBytes(raw[:sm2Bytes])
	sig.S.FillBytes(raw[sm2Bytes:])
	return raw, nil
}

// block is an SM4 key.
type block struct{ cipher cipher.Block }

func (b *block) set(key []byte) bool {
	c, err := sm4.NewCipher(key)
	if err != nil {
		return false
	}
	b.cipher = c
	return true
}

// encrypt pads as PKCS#7 does. With cbc a random IV stands before the blocks.
func (b *block) encrypt(plain []byte, cbc bool) []byte {
	pad := sm4.BlockSize - len(plain)%sm4.BlockSize
	head := 0
	if cbc {
		head = sm4.BlockSize
	}
	out := make([]byte, head, head+len(plain)+pad)
	rand.Read(out) // crypto/rand's never fails
	out = append(append(out, plain...), bytes.Repeat([]byte{byte(pad)}, pad)...)
	if cbc {
		cipher.NewCBCEncrypter(b.cipher, out[:head]).CryptBlocks(out[head:], out[head:])
		return out
	}
	for at := 0; at < len(out); at += sm4.BlockSize {
		b.cipher.Encrypt(out[at:at+sm4.BlockSize], out[at:at+sm4.BlockSize])
	}
	return out
}

// decrypt works in place. padded tells whether the padding was right; if not, the bytes are returned all the same, so that the caller can
// do as much with them as with good ones: who can tell bad padding from a bad signature can read CBC without the key.
func (b *block) decrypt(sealed []byte, cbc bool) (plain []byte, padded bool) {
	if cbc {
		if len(sealed) < sm4.BlockSize {
			return nil, false
		}
		iv := sealed[:sm4.BlockSize]
		sealed = sealed[sm4.BlockSize:]
		if len(sealed) == 0 || len(sealed)%sm4.BlockSize != 0 {
			return nil, false
		}
		cipher.NewCBCDecrypter(b.cipher, iv).CryptBlocks(sealed, sealed)
	} else {
		if len(sealed) == 0 || len(sealed)%sm4.BlockSize != 0 {
			return nil, false
		}
		for at := 0; at < len(sealed); at += sm4.BlockSize {
			b.cipher.Decrypt(sealed[at:at+sm4.BlockSize], sealed[at:at+sm4.BlockSize])
		}
	}
	pad := int(sealed[len(sealed)-1])
	if pad == 0 || pad > sm4.BlockSize || !bytes.Equal(sealed[len(sealed)-pad:], bytes.Repeat([]byte{byte(pad)}, pad)) {
		return sealed, false
	}
	return sealed[:len(sealed)-pad], true
}
