package engine

import (
	"crypto/rand"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"strings"

	"gongji/engine/state"
	"gongji/wal"
)

// ErrIdentity says that a directory is not a ledger's, or not of this build's format.
var ErrIdentity = errors.New("ledger directory")

// formatName names the on-disk format. Until the first release it is 0 and changes with the rows: a directory of another format-0 build
// is refused by name (design.md 6).
const formatName = "gongji format 0 (2026-11-23, rows of 64 and 32 bytes)"

// A new directory is named in creatingName first; it gets identityName when its log is there, so a creation that a crash has cut short is
// finished by the next start under the same names.
const (
	identityName     = "IDENTITY"
	creatingName     = "IDENTITY.new"
	identityBytesMax = 1 << 10 // more than an identity has
)

// readIdentity reads who a directory is.
func readIdentity(fs state.FS, dir, name string) (wal.Identity, error) {
	var id wal.Identity
	path := filepath.Join(dir, name)
	b, err := readFile(fs, path)
	if err != nil {
		return id, fmt.Errorf("%w: %w", ErrIdentity, err)
	}
	lines := strings.Split(string(b), "\n")
	if len(lines) != 4 || lines[0] != formatName || lines[3] != "" {
		return id, fmt.Errorf("%w: %s begins with %.60q and has %d lines, this build reads 3 that begin with %q", ErrIdentity, path, lines[0], len(lines)-1, formatName)
	}
	l, err1 := hex.DecodeString(strings.TrimPrefix(lines[1], "ledger "))
	d, err2 := hex.DecodeString(strings.TrimPrefix(lines[2], "directory "))
	if err1 != nil || err2 != nil || len(l) != len(id.Ledger) || len(d) != len(id.Directory) {
		return id, fmt.Errorf("%w: damaged %s: %.60q and %.60q, expected names of ledger and directory of 32 hexadecimal digits", ErrIdentity, path, lines[1], lines[2])
	}
	copy(id.Ledger[:], l)
	copy(id.Directory[:], d)
	return id, nil
}

func readFile(fs state.FS, path string) ([]byte, error) {
	f, err := fs.Open(path)
	if err != nil {
		return nil, err
	}
	b, err := io.ReadAll(io.LimitReader(f, identityBytesMax))
	return b, errors.Join(err, f.Close())
}

// createIdentity gives a new directory its names, durably, before anything else is in it, or takes those of a creation that was cut short.
func createIdentity(fs state.FS, dir string) (wal.Identity, error) {
	if id, err := readIdentity(fs, dir, creatingName); err == nil {
		return id, syncDir(fs, dir) // it may not be durable yet
	}
	for _, name := range [...]string{"log", stateName} {
		switch _, err := fs.Stat(filepath.Join(dir, name)); {
		case err == nil:
			return wal.Identity{}, fmt.Errorf("%w: expected the file %s beside %s, found none", ErrIdentity, filepath.Join(dir, identityName), name)
		case !errors.Is(err, os.ErrNotExist):
			return wal.Identity{}, fmt.Errorf("%w: %w", ErrIdentity, err)
		}
	}
	var id wal.Identity
	rand.Read(id.Ledger[:])
	rand.Read(id.Directory[:])
	if err := makeDirs(fs, dir); err != nil {
		return id, fmt.Errorf("%w: %w", ErrIdentity, err)
	}
	return id, writeIdentity(fs, dir, id)
}

// writeIdentity writes the names of a directory that is not finished.
func writeIdentity(fs state.FS, dir string, id wal.Identity) error {
	f, err := fs.Create(filepath.Join(dir, creatingName), "identity")
	if err != nil {
		return fmt.Errorf("%w: %w", ErrIdentity, err)
	}
	_, err = fmt.Fprintf(f, "%s\nledger %s\ndirectory %s\n", formatName, id.Ledger, id.Directory)
	if err = errors.Join(err, f.Sync(), f.Close()); err == nil {
		err = syncDir(fs, dir)
	}
	if err != nil {
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
		err = syncDir(state.DefaultFS, dir)
	}
	return err
}

// finishIdentity says that a directory is whole.
func finishIdentity(fs state.FS, dir string) error {
	err := fs.Rename(filepath.Join(dir, creatingName), filepath.Join(dir, identityName))
	if err == nil {
		err = syncDir(fs, dir)
	}
	if err != nil {
		return fmt.Errorf("%w: %w", ErrIdentity, err)
	}
	return nil
}

// makeDirs makes a directory and those above it, and makes their names durable.
func makeDirs(fs state.FS, dir string) error {
	parent := filepath.Dir(dir)
	if _, err := fs.Stat(dir); err == nil {
		return nil
	}
	if parent != dir {
		if err := makeDirs(fs, parent); err != nil {
			return err
		}
	}
	if err := fs.MkdirAll(dir, 0o700); err != nil {
		return err
	}
	return syncDir(fs, parent)
}

func syncDir(fs state.FS, dir string) error {
	d, err := fs.OpenDir(dir)
	if err != nil {
		return err
	}
	return errors.Join(d.Sync(), d.Close())
}
