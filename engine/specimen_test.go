package engine_test

import (
	"errors"
	"io"
	"maps"
	"math/rand/v2"
	"os"
	"path/filepath"
	"runtime"
	"slices"
	"strings"
	"testing"

	"github.com/cockroachdb/pebble/v2/vfs"

	"gongji/engine"
	"gongji/engine/ledger"
	"gongji/wal/waltest"
)

// files are all files below a directory, by path; the key file is among them under keyPath.
type files map[string]string

const (
	keyPath  = "key file"
	markPath = engine.RigDir + "/log/ACKED"
)

// readFiles reads a tree. Empty directories are not told apart from none.
func readFiles(fs vfs.FS, dir string) (files, error) {
	all := files{}
	names, err := fs.List(dir)
	for _, name := range names {
		path := fs.PathJoin(dir, name)
		info, statErr := fs.Stat(path)
		if err = errors.Join(err, statErr); err != nil {
			return nil, err
		}
		if info.IsDir() {
			below, err := readFiles(fs, path)
			if err != nil {
				return nil, err
			}
			maps.Copy(all, below)
			continue
		}
		f, err := fs.Open(path)
		if err != nil {
			return nil, err
		}
		b, err := io.ReadAll(f)
		if err = errors.Join(err, f.Close()); err != nil {
			return nil, err
		}
		all[path] = string(b)
	}
	return all, err
}

// restore makes a machine's files of them.
func (f files) restore() (*vfs.MemFS, error) {
	fs := vfs.NewMem()
	for path, data := range f {
		if path == keyPath {
			continue
		}
		if err := fs.MkdirAll(fs.PathDir(path), 0o700); err != nil {
			return nil, err
		}
		file, err := fs.Create(path, vfs.WriteCategoryUnspecified)
		if err != nil {
			return nil, err
		}
		_, err = file.Write([]byte(data))
		if err = errors.Join(err, file.Close()); err != nil {
			return nil, err
		}
	}
	return fs, nil
}

// specimen is a ledger's files to damage, and what holds of them.
type specimen struct {
	name       string
	files, old files // old: the same ledger earlier
	pseudonym  ledger.Key
	mark       uint64
	tail       bool // made without a checkpoint
	wall       int64
	book       *book
	reference  []engine.Recovered
}

// makeSpecimen writes a ledger in some lives and takes its files after an orderly stop, as a power cut leaves them, or after the start from a torn tail.
//
// tail: it has no checkpoint and an old mark, so that damage behind that mark is a torn tail.
func makeSpecimen(t *testing.T, name string, seed uint64, lives int, crash, torn, tail bool) *specimen {
	all, wall := tasks(seed, 8, 5)
	mem := vfs.NewCrashableMem()
	m := newMachine(waltest.NewCrashFS(mem), filepath.Join(t.TempDir(), "key"), wall)
	s := &specimen{name: name, book: newBook(), wall: wall, old: files{}, tail: tail}
	image := mem
	for life := range lives {
		o := m.options(nil)
		if tail {
			o.CheckpointBytes = 1 << 40
		}
		e, err := engine.Open(o)
		must(t, err)
		must(t, e.ConfirmClock())
		s.pseudonym = e.Pseudonym("01", []byte("somebody"))
		some := all[life*len(all)/lives : (life+1)*len(all)/lives]
		for i := range some {
			if life == lives-1 && i == len(some)/2 {
				s.mark = e.Acknowledged()
				s.old, err = readFiles(mem.CrashClone(vfs.CrashCloneCfg{}), engine.RigDir)
				must(t, err)
			}
			m.clock.reach(some[i].timeMS)
			must(t, errors.Join(e.Housekeep(), s.book.do(e, &some[i])))
		}
		if life == lives-1 && crash {
			for !tail && e.Acknowledged() < s.book.acked.Load() {
				runtime.Gosched() // the mark follows within 10 ms
			}
			if !tail {
				s.mark = e.Acknowledged()
			}
			image = mem.CrashClone(vfs.CrashCloneCfg{})
		}
		must(t, e.Close())
		if !crash {
			s.mark = e.Acknowledged()
		}
	}
	var err error
	s.reference, err = engine.Prefixes(m.options(nil))
	must(t, err)
	s.files, err = readFiles(image, engine.RigDir)
	must(t, err)
	keys, err := os.ReadFile(m.keyFile)
	must(t, err)
	s.files[keyPath] = string(keys)
	if tail {
		s.files[markPath] = s.old[markPath]
	}
	if torn {
		s.tear(t)
	}
	return s
}

// tear leaves half a record behind the log's end and starts once: the tail is cut and its file kept.
func (s *specimen) tear(t *testing.T) {
	segments := slices.Sorted(s.paths("segment"))
	last := segments[len(segments)-1]
	s.files[last] += s.files[last][len(s.files[last])/2:]
	fs, err := s.files.restore()
	must(t, err)
	m, err := s.machine(fs, t.TempDir())
	must(t, err)
	e, err := m.open(nil)
	must(t, err)
	must(t, e.Close())
	if _, told := m.told.Load("torn tail cut"); !told {
		t.Fatalf("vacuous: %s has no torn tail", s.name)
	}
	keys := s.files[keyPath]
	s.files, err = readFiles(fs, engine.RigDir)
	must(t, err)
	s.files[keyPath] = keys
}

func (s *specimen) machine(fs vfs.FS, dir string) (*machine, error) {
	keyFile, err := placeKeys(dir, []byte(s.files[keyPath]))
	return newMachine(waltest.NewCrashFS(fs), keyFile, s.wall), err
}

// damageKind is fileKind, of any file of an image.
func damageKind(path string) string {
	if path == keyPath {
		return "key"
	}
	if strings.Contains(path, "/torn/") {
		return "torn"
	}
	return fileKind(path)
}

func (s *specimen) paths(kind string) func(func(string) bool) {
	return func(yield func(string) bool) {
		for path := range s.files {
			if damageKind(path) == kind && !yield(path) {
				return
			}
		}
	}
}

// damage changes one file of a copy; false: it cannot be done to this one.
type damage struct {
	name string
	do   func(rng *rand.Rand, s *specimen, f files, path string) bool
}

func changed(change func(rng *rand.Rand, b []byte) []byte) func(*rand.Rand, *specimen, files, string) bool {
	return func(rng *rand.Rand, _ *specimen, f files, path string) bool {
		if len(f[path]) == 0 {
			return false
		}
		was := f[path]
		f[path] = string(change(rng, []byte(was)))
		return f[path] != was
	}
}

var damages = []damage{
	{"flip", changed(func(rng *rand.Rand, b []byte) []byte {
		bit := rng.IntN(len(b) * 8)
		b[bit/8] ^= 1 << (bit % 8)
		return b
	})},
	{"zero512", changed(func(rng *rand.Rand, b []byte) []byte { return zeroPage(rng, b, 512) })},
	{"zero4096", changed(func(rng *rand.Rand, b []byte) []byte { return zeroPage(rng, b, 4096) })},
	{"cut", changed(func(rng *rand.Rand, b []byte) []byte { return b[:rng.IntN(len(b))] })},
	{"swap", changed(func(rng *rand.Rand, b []byte) []byte {
		const page = 512
		pages := len(b) / page
		if pages < 2 {
			return b
		}
		i := rng.IntN(pages)
		j := (i + 1 + rng.IntN(pages-1)) % pages
		one := slices.Clone(b[i*page : (i+1)*page])
		copy(b[i*page:], b[j*page:(j+1)*page])
		copy(b[j*page:], one)
		return b
	})},
	{"garbage", func(rng *rand.Rand, _ *specimen, f files, path string) bool {
		b := make([]byte, 1+rng.IntN(5000))
		for i := range b {
			b[i] = byte(rng.Uint32())
		}
		f[path] += string(b)
		return true
	}},
	{"rollback", func(_ *rand.Rand, s *specimen, f files, path string) bool {
		old, there := s.old[path]
		differs := there && old != f[path]
		if differs {
			f[path] = old
		}
		return differs
	}},
	{"delete", func(_ *rand.Rand, _ *specimen, f files, path string) bool {
		delete(f, path)
		return true
	}},
}

func zeroPage(rng *rand.Rand, b []byte, page int) []byte {
	i := rng.IntN((len(b)+page-1)/page) * page
	clear(b[i:min(i+page, len(b))])
	return b
}
