package state

import (
	"errors"
	"fmt"
	"path/filepath"
	"strings"

	"github.com/cockroachdb/errors/oserror"
	"github.com/cockroachdb/pebble/v2"
	"github.com/cockroachdb/pebble/v2/vfs"

	"gongji/engine/ledger"
	"gongji/engine/state/idindex"
)

// FS is a file system; tests bring their own.
type FS = vfs.FS

// DefaultFS is the machine's file system.
var DefaultFS FS = vfs.Default

// Inspect is Open and Load without changing a byte of the directory: the store is judged before anything is written, and what a refusal has
// to prove stays (reliability.md F5, P18). The store can be read until Writable opens it for writing; if dir holds none it is empty, and
// Writable makes one. On an error nothing is open.
func Inspect(dir string, o Options, l LoadOptions) (*Store, *ledger.State, Loaded, error) {
	o.ReadOnly = true
	there, err := exists(o.FS, dir)
	if err != nil {
		return nil, nil, Loaded{}, err
	}
	var s *Store
	if there {
		if s, err = Open(dir, o); err != nil && !errors.Is(err, errUnnamed) {
			return nil, nil, Loaded{}, err
		}
	}
	if s == nil {
		layout, err := checkLayout()
		return &Store{o: o, layout: layout, dir: dir, loaded: true}, newState(l), Loaded{}, err
	}
	st, loaded, err := s.Load(l)
	if err != nil {
		return nil, nil, Loaded{}, errors.Join(err, s.Close())
	}
	return s, st, loaded, nil
}

// Writable opens an inspected store for writing, creates it if there was none, and deletes what no kept checkpoint names. It stays what Inspect
// has found. On an error the store is closed. The executor's goroutine, once.
func (s *Store) Writable() error {
	if s.db != nil {
		if err := s.Close(); err != nil {
			return err
		}
	}
	o := s.o
	o.ReadOnly = false
	w, err := Open(s.dir, o)
	if err != nil {
		return err
	}
	s.o, s.db, s.health, s.records = o, w.db, w.health, w.records
	for _, key := range s.orphans {
		if err := s.db.Delete(key, pebble.NoSync); err != nil {
			return errors.Join(fmt.Errorf("state: delete page %x: %w", key, err), s.Close())
		}
	}
	s.orphans = nil
	return nil
}

// Damaged reports whether an error says that stored bytes are not what was written. Another one may come from the disk itself.
func Damaged(err error) bool {
	var value *CorruptionError
	var block *idindex.CorruptionError
	var opening *OpenError
	return errors.As(err, &opening) || errors.As(err, &value) || errors.As(err, &block) || pebble.IsCorruptionError(err)
}

// exists tells whether dir holds a store: its marker is the last file of a creation, so tables without one are damage.
func exists(fs FS, dir string) (bool, error) {
	if fs == nil {
		fs = vfs.Default
	}
	names, err := fs.List(dir)
	if err != nil && !oserror.IsNotExist(err) {
		return false, fmt.Errorf("state: list %s: %w", dir, err)
	}
	table := ""
	for _, name := range names {
		if strings.HasPrefix(name, "marker.manifest.") {
			return true, nil
		}
		if filepath.Ext(name) == ".sst" {
			table = name
		}
	}
	if table != "" {
		return false, corrupt(nil, "%s has the table %s: expected a file marker.manifest, found none", dir, table)
	}
	return false, nil
}
