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

// A directory is a ledger's when it has IDENTITY. Until its key file and its log are there the same text has the other name: a start that finds only that
// one goes on with the creation that was cut short, under the same names.
const (
	identityName = "IDENTITY"
	creatingName = "IDENTITY.creating"
)

// formatName names the on-disk format. Until the first release it is 0 and changes with the rows: a directory of another format-0 build
// is refused by name (design.md 6).
const formatName = "gongji format 0 (2026-11-22, clearing and visits)"

// readIdentity reads who a directory is.
func readIdentity(dir string) (wal.Identity, error) { return readIdentityFile(dir, identityName) }

func readIdentityFile(dir, name string) (wal.Identity, error) {
	var id wal.Identity
	b, err := os.ReadFile(filepath.Join(dir, name))
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
		return id, fmt.Errorf("%w: damaged %s", ErrIdentity, name)
	}
	copy(id.Ledger[:], l)
	copy(id.Directory[:], d)
	return id, nil
}

// createIdentity makes a new directory with new names, durably, before anything else is in it; or it gives those of a creation that was cut short.
// finishIdentity ends the creation.
func createIdentity(dir string) (wal.Identity, error) {
	id, err := readIdentityFile(dir, creatingName)
	if !errors.Is(err, os.ErrNotExist) {
		return id, err
	}
	rand.Read(id.Ledger[:])
	rand.Read(id.Directory[:])
	if err := errors.Join(os.MkdirAll(dir, 0o700), syncDir(filepath.Dir(filepath.Clean(dir)))); err != nil {
		return id, fmt.Errorf("%w: %w", ErrIdentity, err)
	}
	return id, writeIdentityFile(dir, creatingName, id)
}

// finishIdentity makes a directory that has key file and log a ledger's. The log's lock is held.
func finishIdentity(dir string, id wal.Identity) error {
	if err := writeIdentity(dir, id); err != nil {
		return err
	}
	if err := os.Remove(filepath.Join(dir, creatingName)); err != nil && !errors.Is(err, os.ErrNotExist) {
		return fmt.Errorf("%w: %w", ErrIdentity, err)
	}
	return nil
}

func writeIdentity(dir string, id wal.Identity) error {
	return writeIdentityFile(dir, identityName, id)
}

func writeIdentityFile(dir, name string, id wal.Identity) error {
	path := filepath.Join(dir, name)
	f, err := os.OpenFile(path+".new", os.O_WRONLY|os.O_CREATE|os.O_TRUNC, 0o600)
	if err != nil {
		return fmt.Errorf("%w: %w", ErrIdentity, err)
	}
	_, err = fmt.Fprintf(f, "%s\nledger %s\ndirectory %s\n", formatName, id.Ledger, id.Directory)
	if err = errors.Join(err, f.Sync(), f.Close()); err == nil {
		err = os.Rename(path+".new", path)
	}
	if err == nil {
		err = syncDir(dir)
	}
	if err != nil {
		return fmt.Errorf("%w: %w", ErrIdentity, err)
	}
	return nil
}

func syncDir(dir string) error {
	d, err := os.Open(dir)
	if err != nil {
		return err
	}
	return errors.Join(d.Sync(), d.Close())
}
