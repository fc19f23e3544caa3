package engine

import (
	"bufio"
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
)

// ErrKeyFile says that the key file is missing, unreadable to others' harm, or not this ledger's.
var ErrKeyFile = errors.New("key file")

const (
	keyFileHead  = "gongji key file 1"
	keyFileMax   = 4096 // bytes
	keyFileMode  = 0o400
	secretBytes  = 32
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
		return nil, fmt.Errorf("%w: it belongs to another ledger", ErrKeyFile)
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

func parseKeyFile(text []byte) (map[string][]byte, error) {
	in := bufio.NewScanner(bytes.NewReader(text))
	if !in.Scan() || in.Text() != keyFileHead {
		return nil, fmt.Errorf("%w: first line is not %q", ErrKeyFile, keyFileHead)
	}
	fields := map[string][]byte{}
	for in.Scan() {
		name, value, _ := strings.Cut(in.Text(), " ")
		b, err := hex.DecodeString(value)
		if err != nil {
			return nil, fmt.Errorf("%w: %s is not hexadecimal", ErrKeyFile, name)
		}
		fields[name] = b
	}
	if len(fields["ledger"]) != 16 || len(fields["seal"]) != secretBytes || len(fields["pseudonym"]) != secretBytes {
		return nil, fmt.Errorf("%w: ledger, seal or pseudonym is missing or of the wrong length", ErrKeyFile)
	}
	return fields, nil
}

// CreateKeys writes a new key file; it never overwrites one. A crash leaves none or a whole one.
func CreateKeys(path string, ledgerID [16]byte) (*Keys, error) {
	var seal, pseudonym [secretBytes]byte
	rand.Read(seal[:])
	rand.Read(pseudonym[:])
	text := fmt.Sprintf("%s\nledger %x\nseal %x\npseudonym %x\n", keyFileHead, ledgerID, seal, pseudonym)
	if err := createWhole(path, text); err != nil {
		return nil, fmt.Errorf("%w: %w", ErrKeyFile, withoutPath(err))
	}
	return newKeys(ledgerID, seal[:], pseudonym[:])
}

// createWhole makes a file that nobody sees before it is whole and synced; one of its name is an error. What a crash left of an earlier try is removed.
func createWhole(path, text string) error {
	unfinished := path + ".new"
	if err := os.Remove(unfinished); err != nil && !errors.Is(err, os.ErrNotExist) {
		return err
	}
	f, err := os.OpenFile(unfinished, os.O_WRONLY|os.O_CREATE|os.O_EXCL, keyFileMode)
	if err != nil {
		return err
	}
	_, err = f.WriteString(text)
	if err = errors.Join(err, f.Sync(), f.Close()); err == nil {
		err = os.Link(unfinished, path) // refuses where a rename would replace
	}
	return errors.Join(err, os.Remove(unfinished), syncDir(filepath.Dir(path)))
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
