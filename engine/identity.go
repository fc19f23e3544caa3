package engine

import (
	"crypto/rand"
	"encoding/hex"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"

	"gongji/wal"
)

// ErrIdentity says that a directory is not a ledger's, or not of this build's format.
var ErrIdentity = errors.New("ledger directory")

const identityName = "IDENTITY"

// formatName names the on-disk format. Until the first release it is 0 and changes with the rows: a directory of another format-0 build
// is refused by name (design.md 6).
const formatName = "gongji format 0 (2026-11-22, quarantine)"

// readIdentity reads who a directory is.
func readIdentity(dir string) (wal.Identity, error) {
	var id wal.Identity
	b, err := os.ReadFile(filepath.Join(dir, identityName))
	if err != nil {
		return id, fmt.Errorf("%w: %w", ErrIdentity, err)
	}
	lines := strings.Split(strings.TrimSpace(string(b)), "\n")
	if len(lines) != 3 || lines[0] != formatName {
		return id, fmt.Errorf("%w: written by %.60q, this build reads %q", ErrIdentity, lines[0], formatName)
	}
	l, err1 := hex.DecodeString(strings.TrimPrefix(lines[1], "ledger "))
	d, err2 := hex.DecodeString(strings.TrimPrefix(lines[2], "directory "))
	if err1 != nil || err2 != nil || len(l) != len(id.Ledger) || len(d) != len(id.Directory) {
		return id, fmt.Errorf("%w: damaged %s", ErrIdentity, identityName)
	}
	copy(id.Ledger[:], l)
	copy(id.Directory[:], d)
	return id, nil
}

// createIdentity makes a new directory with new names, durably, before anything else is in it.
func createIdentity(dir string) (wal.Identity, error) {
	var id wal.Identity
	rand.Read(id.Ledger[:])
	rand.Read(id.Directory[:])
	if err := os.MkdirAll(dir, 0o700); err != nil {
		return id, fmt.Errorf("%w: %w", ErrIdentity, err)
	}
	return id, writeIdentity(dir, id)
}

func writeIdentity(dir string, id wal.Identity) error {
	text := fmt.Sprintf("%s\nledger %s\ndirectory %s\n", formatName, id.Ledger, id.Directory)
	if err := replaceFile(dir, identityName, []byte(text)); err != nil {
		return fmt.Errorf("%w: %w", ErrIdentity, err)
	}
	return nil
}

// replaceFile puts a small file into dir, durably: a crash leaves the one before or the new one.
func replaceFile(dir, name string, content []byte) error {
	path := filepath.Join(dir, name)
	f, err := os.OpenFile(path+".new", os.O_WRONLY|os.O_CREATE|os.O_TRUNC, 0o600)
	if err != nil {
		return err
	}
	_, err = f.Write(content)
	if err = errors.Join(err, f.Sync(), f.Close()); err == nil {
		err = os.Rename(path+".new", path)
	}
	if err == nil {
		err = syncDir(dir)
	}
	return err
}

func syncDir(dir string) error {
	d, err := os.Open(dir)
	if err != nil {
		return err
	}
	return errors.Join(d.Sync(), d.Close())
}
