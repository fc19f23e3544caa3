package engine

import (
	"errors"
	"os"
	"path/filepath"
	"testing"
)

// TestCreationCutShort: a ledger whose creation ended after any of its steps is finished by the next start, under the same names and with the same
// key file; a directory that is a ledger's never gets a new log.
func TestCreationCutShort(t *testing.T) {
	for _, c := range []struct {
		name       string
		afterwards func(o Options) error // what the next start finds, made of a whole ledger
	}{
		{"names only", func(o Options) error {
			return errors.Join(os.RemoveAll(filepath.Join(o.Dir, "log")), os.RemoveAll(filepath.Join(o.Dir, "state")), os.Remove(o.KeyFile))
		}},
		{"half a key file", func(o Options) error {
			return errors.Join(os.RemoveAll(filepath.Join(o.Dir, "log")), os.RemoveAll(filepath.Join(o.Dir, "state")), os.Remove(o.KeyFile),
				os.WriteFile(o.KeyFile+".new", []byte("gongji"), keyFileMode))
		}},
		{"key file", func(o Options) error {
			return errors.Join(os.RemoveAll(filepath.Join(o.Dir, "log")), os.RemoveAll(filepath.Join(o.Dir, "state")))
		}},
		{"all but the last name", func(Options) error { return nil }},
	} {
		t.Run(c.name, func(t *testing.T) {
			dir := t.TempDir()
			o := Options{Dir: filepath.Join(dir, "ledger"), KeyFile: filepath.Join(dir, "key"), Create: true}
			first := openClose(t, o)
			if err := errors.Join(os.Rename(filepath.Join(o.Dir, identityName), filepath.Join(o.Dir, creatingName)), c.afterwards(o)); err != nil {
				t.Fatal(err)
			}
			if again := openClose(t, o); again != first {
				t.Errorf("the ledger was to be %s and is %s", first, again)
			}
			if _, err := os.Stat(filepath.Join(o.Dir, creatingName)); !errors.Is(err, os.ErrNotExist) {
				t.Errorf("the creation is not ended: %v", err)
			}
			if err := os.RemoveAll(filepath.Join(o.Dir, "log")); err != nil {
				t.Fatal(err)
			}
			if e, err := Open(o); err == nil {
				t.Errorf("a ledger without its log was opened (%v)", e.Close())
			}
		})
	}
}

// openClose gives the ledger's id.
func openClose(t *testing.T, o Options) string {
	t.Helper()
	e, err := Open(o)
	if err != nil {
		t.Fatal(err)
	}
	id := e.Ledger().String()
	if err := e.Close(); err != nil {
		t.Fatal(err)
	}
	return id
}
