package engine

import (
	"bytes"
	"crypto/aes"
	"crypto/cipher"
	"crypto/rand"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"strings"

	"gongji/engine/ledger"
	"gongji/engine/state"
)

// ErrKeyFile says that the key file is missing, unreadable to others' harm, or not this ledger's.
var ErrKeyFile = errors.New("key file")

const (
	keyFileHead  = "gongji key file 1"
	keyFileMax   = 4096 // bytes
	keyFileMode  = 0o400
	secretBytes  = 32
	keySumBytes  = 8
	keySumLabel  = "gongji key file sum 1\n"
	sealLabel    = "gongji day key 0"
	pseudonymTag = "gongji pseudonym 0"
	pseudonymMax = 96 // label, certificate type and number (C6, C50) on the stack; longer input is right, but allocates
)

// Keys are the secrets of a ledger, kept outside its data directory and part of the restore drill (design.md 5). Never logged.
type Keys struct {
	ledger    [16]byte
	seal      cipher.AEAD // seals day keys in the log
	pseudonym []byte
	inner     [sha256.BlockSize]byte // HMAC pads of pseudonym
	outer     [sha256.BlockSize]byte
	passwords [sha256.Size]byte // derived
	random    io.Reader         // of day keys and nonces; crypto/rand but in a simulation
}

// LoadKeys reads a key file. It must belong to this ledger and be readable by its owner only.
func LoadKeys(path string, ledgerID [16]byte) (*Keys, error) {
	info, err := os.Stat(path)
	if err != nil {
		return nil, fmt.Errorf("%w: %w", ErrKeyFile, withoutPath(err))
	}
	if info.Mode().Perm()&0o077 != 0 {
		return nil, fmt.Errorf("%w: mode %o lets others read it; want %o", ErrKeyFile, info.Mode().Perm(), keyFileMode)
	}
	if info.Size() > keyFileMax {
		return nil, fmt.Errorf("%w: %d bytes", ErrKeyFile, info.Size())
	}
	text, err := os.ReadFile(path)
	if err != nil {
		return nil, fmt.Errorf("%w: %w", ErrKeyFile, withoutPath(err))
	}
	fields, err := parseKeyFile(text)
	if err != nil {
		return nil, err
	}
	if !bytes.Equal(fields["ledger"], ledgerID[:]) {
		return nil, fmt.Errorf("%w: it belongs to ledger %x, expected %x as %s says", ErrKeyFile, fields["ledger"], ledgerID, identityName)
	}
	return newKeys(ledgerID, fields["seal"], fields["pseudonym"])
}

func newKeys(ledgerID [16]byte, seal, pseudonym []byte) (*Keys, error) {
	block, err := aes.NewCipher(seal)
	if err != nil {
		return nil, fmt.Errorf("%w: seal key of %d bytes", ErrKeyFile, len(seal))
	}
	aead, err := cipher.NewGCM(block)
	if err != nil {
		return nil, fmt.Errorf("%w: %w", ErrKeyFile, err)
	}
	k := &Keys{ledger: ledgerID, seal: aead, pseudonym: pseudonym, random: rand.Reader}
	copy(k.inner[:], pseudonym)
	k.outer = k.inner
	for i := range k.inner {
		k.inner[i] ^= 0x36
		k.outer[i] ^= 0x5c
	}
	k.passwords = k.derive(passwordLabel)
	return k, nil
}

// keyFields are the lines of a key file behind the first, and how many bytes each has.
var keyFields = map[string]int{"ledger": 16, "seal": secretBytes, "pseudonym": secretBytes, "sum": keySumBytes}

func parseKeyFile(text []byte) (map[string][]byte, error) {
	head, rest, _ := bytes.Cut(text, []byte("\n"))
	if string(head) != keyFileHead {
		return nil, fmt.Errorf("%w: first line is not %q", ErrKeyFile, keyFileHead)
	}
	fields := map[string][]byte{}
	for at := len(text) - len(rest); at < len(text); {
		line, _, _ := strings.Cut(string(text[at:]), "\n")
		name, value, _ := strings.Cut(line, " ")
		b, err := hex.DecodeString(value)
		if want, known := keyFields[name]; err != nil || !known || len(b) != want || fields[name] != nil {
			return nil, fmt.Errorf("%w: the line at byte %d is none of ledger, seal, pseudonym, sum in hexadecimal", ErrKeyFile, at)
		}
		if name == "sum" && !bytes.Equal(b, keySum(text[:at])) {
			return nil, fmt.Errorf("%w: damaged: sum %x, expected %x", ErrKeyFile, keySum(text[:at]), b)
		}
		fields[name] = b
		at += len(line) + 1
	}
	if fields["ledger"] == nil || fields["seal"] == nil || fields["pseudonym"] == nil {
		return nil, fmt.Errorf("%w: ledger, seal or pseudonym is missing", ErrKeyFile)
	}
	return fields, nil
}

// keySum ends a key file: a damaged seal key opens nothing, but with a damaged pseudonym secret nobody would be known any more. Files made
// before it have none. It is over random secrets, so it tells nothing of them.
func keySum(text []byte) []byte {
	sum := sha256.Sum256(append([]byte(keySumLabel), text...))
	return sum[:keySumBytes]
}

// CreateKeys writes a new key file; it never overwrites one. When it returns, file and name are durable, and at no moment is there half a one:
// what is sealed with it must not outlive it.
func CreateKeys(path string, ledgerID [16]byte) (*Keys, error) {
	var seal, pseudonym [secretBytes]byte
	rand.Read(seal[:])
	rand.Read(pseudonym[:])
	half := path + ".new"
	err := os.Remove(half) // of a creation that was cut short
	if errors.Is(err, fs.ErrNotExist) {
		err = nil
	}
	if err == nil {
		text := fmt.Sprintf("%s\nledger %x\nseal %x\npseudonym %x\n", keyFileHead, ledgerID, seal, pseudonym)
		err = writeKeys(half, fmt.Sprintf("%ssum %x\n", text, keySum([]byte(text))))
	}
	if err == nil {
		err = errors.Join(os.Link(half, path), os.Remove(half)) // unlike a rename, a link never replaces
	}
	if err == nil {
		err = syncDir(state.DefaultFS, filepath.Dir(path))
	}
	if err != nil {
		return nil, fmt.Errorf("%w: %w", ErrKeyFile, withoutPath(err))
	}
	return newKeys(ledgerID, seal[:], pseudonym[:])
}

func writeKeys(path, text string) error {
	f, err := os.OpenFile(path, os.O_WRONLY|os.O_CREATE|os.O_EXCL, keyFileMode)
	if err != nil {
		return err
	}
	_, err = f.WriteString(text)
	return errors.Join(err, f.Sync(), f.Close())
}

// withoutPath keeps the cause of a file error and drops the path.
func withoutPath(err error) error {
	if p := (*fs.PathError)(nil); errors.As(err, &p) {
		return fmt.Errorf("%s: %w", p.Op, p.Err)
	}
	if l := (*os.LinkError)(nil); errors.As(err, &l) {
		return fmt.Errorf("%s: %w", l.Op, l.Err)
	}
	return err
}

// Pseudonym is the 16-byte name under which the ledger knows a certificate (design.md 7): keyed, so that the small space of identity
// numbers cannot be searched without the key file.
func (k *Keys) Pseudonym(certType string, number []byte) ledger.Key {
	// HMAC-SHA-256 written out over the stack (TestPseudonym compares with the library's): every settlement needs one.
	var in [sha256.BlockSize + pseudonymMax]byte
	m := append(in[:0], k.inner[:]...)
	m = append(m, pseudonymTag...)
	m = append(m, byte(len(certType)))
	m = append(m, certType...)
	m = append(m, number...)
	first := sha256.Sum256(m)
	var out [sha256.BlockSize + sha256.Size]byte
	copy(out[:], k.outer[:])
	copy(out[sha256.BlockSize:], first[:])
	sum := sha256.Sum256(out[:])
	return ledger.Key(sum[:16])
}

// newDayKey draws a day key and seals it for the log.
func (k *Keys) newDayKey(day int32) (hash [32]byte, sealed []byte) {
	var key [ledger.DayKeyBytes]byte
	k.draw(key[:])
	nonce := make([]byte, k.seal.NonceSize(), ledger.SealedKeyMax)
	k.draw(nonce)
	return sha256.Sum256(key[:]), k.seal.Seal(nonce, nonce, key[:], k.sealContext(day))
}

// draw fills b. The machine's source never fails.
func (k *Keys) draw(b []byte) {
	if _, err := io.ReadFull(k.random, b); err != nil {
		panic(fmt.Sprintf("BUG: no randomness for a day key: %v", err))
	}
}

// openDayKey unseals the key of a day and checks it against its published hash.
func (k *Keys) openDayKey(row *ledger.DayKey) (key [ledger.DayKeyBytes]byte, err error) {
	sealed := row.Sealed[:row.SealedLen]
	n := k.seal.NonceSize()
	if len(sealed) < n {
		return key, fmt.Errorf("%w: day key of day %d has %d sealed bytes", ErrKeyFile, row.Day, len(sealed))
	}
	plain, err := k.seal.Open(nil, sealed[:n], sealed[n:], k.sealContext(row.Day))
	if err != nil || len(plain) != len(key) {
		return key, fmt.Errorf("%w: it does not open the key of day %d", ErrKeyFile, row.Day)
	}
	copy(key[:], plain)
	if sha256.Sum256(key[:]) != row.Hash {
		return key, fmt.Errorf("%w: the key of day %d does not have the hash in the log", ErrKeyFile, row.Day)
	}
	return key, nil
}

func (k *Keys) sealContext(day int32) []byte {
	return fmt.Appendf(nil, "%s %x %d", sealLabel, k.ledger, day)
}
