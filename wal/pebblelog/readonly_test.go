package pebblelog

import (
	"errors"
	"maps"
	"path/filepath"
	"testing"

	"gongji/wal"
	"gongji/wal/waltest"
)

// TestReadOnly: whatever is there, not one byte changes; what is whole is read,
// a torn tail is told, damage is refused as ever.
func TestReadOnly(t *testing.T) {
	for _, s := range specimens(t) {
		path := s.walPath(t)
		earlier := s.withMark(t, s.mark-10)
		for _, c := range []struct {
			name    string
			files   image
			change  func([]byte) []byte
			told    bool
			refused bool
		}{
			{"whole", s.files, func(b []byte) []byte { return b }, false, false},
			{"torn", earlier.files, func(b []byte) []byte { return b[:len(b)-40] }, true, false},
			{"garbage", s.files, func(b []byte) []byte { return append(b, "garbage"...) }, true, false},
			{"damaged", s.files, func(b []byte) []byte { b[200] ^= 1; return b }, false, true},
		} {
			files := maps.Clone(c.files)
			delete(files, logDir+"/"+lockName) // a copy of a directory may have none
			files[path] = string(c.change([]byte(files[path])))
			fs := files.restore(t)
			calls := 0
			o := testOptions(fs)
			o.ReadOnly = true
			o.OnTornTail = func(int64, uint64) { calls++ }
			l, err := Open(logDir, o)
			if c.refused != (err != nil) {
				t.Fatalf("%s %s: %v", s.name, c.name, err)
			}
			if err == nil {
				if l.Last() < s.mark-10 {
					t.Errorf("%s %s: ends at %d", s.name, c.name, l.Last())
				}
				if err := errors.Join(verifyContent(l), refusesWrites(l), l.Close()); err != nil {
					t.Errorf("%s %s: %v", s.name, c.name, err)
				}
			}
			if c.told != (calls == 1) {
				t.Errorf("%s %s: torn tail told %d times", s.name, c.name, calls)
			}
			if after := readImage(t, fs, logDir); !maps.Equal(after, files) {
				t.Errorf("%s %s: the directory changed: %d files, were %d", s.name, c.name, len(after), len(files))
			}
		}
	}
}

func refusesWrites(l *Log) error {
	if _, err := l.Append([]byte("x")); !errors.Is(err, ErrReadOnly) || !errors.Is(err, wal.ErrNotCommitted) {
		return errors.Join(errors.New("Append to a read-only log"), err)
	}
	if err := l.Truncate(2); !errors.Is(err, ErrReadOnly) {
		return errors.Join(errors.New("Truncate of a read-only log"), err)
	}
	return nil
}

// TestReadOnlyLocked: a log that is being written is not read from outside, and
// a directory without a log stays one.
func TestReadOnlyLocked(t *testing.T) {
	dir := filepath.Join(t.TempDir(), "log")
	o := Options{Identity: waltest.Identity, Create: true, ReadOnly: true}
	if _, err := Open(dir, o); !errors.Is(err, ErrNotExist) {
		t.Fatalf("no directory: %v", err)
	}
	l, err := Open(dir, Options{Identity: waltest.Identity, Create: true})
	if err != nil {
		t.Fatal(err)
	}
	if _, err := Open(dir, o); !errors.Is(err, wal.ErrLocked) {
		t.Fatalf("while it is written: %v", err)
	}
	if err := l.Close(); err != nil {
		t.Fatal(err)
	}
	if l, err = Open(dir, o); err != nil {
		t.Fatal(err)
	}
	if err := l.Close(); err != nil {
		t.Fatal(err)
	}
}

// TestJudged (P18): the caller's own judgement comes when the log has been found good, under the lock and before a byte changes; its refusal is the
// start's. A log that is not good never asks for it.
func TestJudged(t *testing.T) {
	s := makeSpecimen(t, "used", 60, 2, testSegment, true)
	fs := s.files.restore(t)
	no := errors.New("no")
	o := testOptions(newCrashFS(fs))
	asked := 0
	o.Judged = func() error {
		asked++
		if _, err := Open(logDir, o); !errors.Is(err, wal.ErrLocked) {
			t.Errorf("while it is judged: %v", err)
		}
		return no
	}
	if _, err := Open(logDir, o); !errors.Is(err, no) || asked != 1 {
		t.Fatalf("asked %d times: %v", asked, err)
	}
	after := readImage(t, fs, logDir)
	delete(after, logDir+"/"+lockName)
	before := maps.Clone(s.files)
	delete(before, logDir+"/"+lockName)
	if !maps.Equal(before, after) {
		t.Error("a refused start has changed a file")
	}
	o.Judged = func() error { return nil }
	l, err := Open(logDir, o)
	if err != nil {
		t.Fatal(err)
	}
	if err := l.Close(); err != nil {
		t.Fatal(err)
	}
	delete(s.files, logDir+"/"+markName)
	o.FS = newCrashFS(s.files.restore(t))
	o.Judged = func() error { asked++; return nil }
	if _, err := Open(logDir, o); err == nil || asked != 1 {
		t.Errorf("without a mark: asked %d times, %v", asked, err)
	}
}
