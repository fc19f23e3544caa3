package pebblelog

import (
	"errors"
	"fmt"
	"maps"
	"math/rand/v2"
	"os"
	"slices"
	"strings"
	"sync"
	"testing"

	"github.com/cockroachdb/pebble/v2/vfs"
	"github.com/cockroachdb/pebble/v2/vfs/errorfs"
	"go.uber.org/goleak"

	"gongji/wal"
	"gongji/wal/waltest"
)

// The tests of one process's death leave that process's goroutines behind, so
// they run in a child: this binary again with childEnv set.
const childEnv = "GONGJI_WAL_CHILD"

func TestMain(m *testing.M) {
	if os.Getenv(childEnv) != "" {
		os.Exit(m.Run())
	}
	goleak.VerifyTestMain(m)
}

const (
	logDir      = "/log"
	testSegment = 64 << 10 // so small that a short script rotates
	payloadsMax = 5000
)

var newCrashFS = waltest.NewCrashFS // F7

// payload is what the tests store at a sequence: 8 to 3,000 bytes, all of them
// determined by the sequence.
func payload(sequence uint64) []byte {
	rng := rand.New(rand.NewPCG(sequence, 1))
	p := make([]byte, 8+rng.IntN(3000)/(1+int(sequence%3)*7))
	for i := range p {
		p[i] = byte(rng.Uint32())
	}
	return p
}

var payloads = sync.OnceValue(func() [][]byte {
	all := make([][]byte, payloadsMax)
	for i := range all {
		all[i] = payload(uint64(i))
	}
	return all
})

func testOptions(fs vfs.FS) Options {
	return Options{Identity: waltest.Identity, FS: fs, Create: true, SegmentBytes: testSegment,
		OnFatal: func(err error) { panic(fmt.Sprintf("unexpected OnFatal: %v", err)) }}
}

// recovered opens what a crash left, verifies every record and returns the end.
// Everything up to acked must be there.
func recovered(fs vfs.FS, acked uint64) (last uint64, err error) {
	l, err := Open(logDir, testOptions(fs))
	if err != nil {
		return 0, err
	}
	defer func() { err = errors.Join(err, l.Close()) }()
	if err := verifyContent(l); err != nil {
		return 0, err
	}
	if l.Last() < acked || l.Committed() != l.Last() {
		return 0, fmt.Errorf("LOST: acknowledged to %d, the log ends at %d, committed %d", acked, l.Last(), l.Committed())
	}
	return l.Last(), nil
}

func verifyContent(l *Log) error {
	next := l.base.Load().Sequence + 1
	err := l.Read(0, func(r wal.Record) error {
		if want := payloads()[r.Sequence]; r.Sequence != next || string(r.Payload) != string(want) {
			return fmt.Errorf("record %d has other bytes than were written (expected %d)", r.Sequence, next)
		}
		next++
		return nil
	})
	if err == nil && next != l.Committed()+1 {
		err = fmt.Errorf("read to %d, committed to %d", next-1, l.Committed())
	}
	return err
}

// image is all files of a directory tree.
type image map[string]string

func readImage(t testing.TB, fs vfs.FS, dir string) image {
	t.Helper()
	all := image{}
	names, err := fs.List(dir)
	if err != nil {
		t.Fatal(err)
	}
	for _, name := range names {
		path := fs.PathJoin(dir, name)
		info, err := fs.Stat(path)
		if err != nil {
			t.Fatal(err)
		}
		if info.IsDir() {
			maps.Copy(all, readImage(t, fs, path))
			continue
		}
		data, err := readFile(fs, path, 1<<40)
		if err != nil {
			t.Fatal(err)
		}
		all[path] = string(data)
	}
	return all
}

// restore writes the image to a new file system.
func (im image) restore(t testing.TB) *vfs.MemFS {
	t.Helper()
	fs := vfs.NewMem()
	for path, data := range im {
		if err := fs.MkdirAll(fs.PathDir(path), 0o700); err != nil {
			t.Fatal(err)
		}
		file, err := fs.Create(path, vfs.WriteCategoryUnspecified)
		if err != nil {
			t.Fatal(err)
		}
		if _, err := file.Write([]byte(data)); err != nil {
			t.Fatal(err)
		}
		if err := file.Close(); err != nil {
			t.Fatal(err)
		}
	}
	return fs
}

// restoreDurable writes the image to a file system that can crash and has it all.
func (im image) restoreDurable(t testing.TB) *vfs.MemFS {
	t.Helper()
	fs := vfs.NewCrashableMem()
	for path, data := range im {
		err := fs.MkdirAll(fs.PathDir(path), 0o700)
		if err != nil {
			t.Fatal(err)
		}
		file, err := fs.Create(path, vfs.WriteCategoryUnspecified)
		if err != nil {
			t.Fatal(err)
		}
		_, err = file.Write([]byte(data))
		if err := errors.Join(err, file.Sync(), file.Close()); err != nil {
			t.Fatal(err)
		}
		for dir := fs.PathDir(path); ; dir = fs.PathDir(dir) {
			if err := syncDir(fs, dir); err != nil {
				t.Fatal(err)
			}
			if dir == fs.PathDir(dir) {
				break
			}
		}
	}
	return fs
}

func (im image) paths(match func(string) bool) (paths []string) {
	for path := range im {
		if match(path) {
			paths = append(paths, path)
		}
	}
	slices.Sort(paths)
	return paths
}

// kindOf is a file's kind for the tables the fault tests print.
func kindOf(path string) string {
	switch {
	case strings.Contains(path, markName):
		return "mark"
	case strings.Contains(path, segmentSuffix):
		return "segment"
	case strings.Contains(path, baseName):
		return "base"
	}
	return "dir"
}

// opKind is the kind of a writing operation, "" for reading ones.
func opKind(op errorfs.Op) string {
	switch op.Kind {
	case errorfs.OpCreate, errorfs.OpReuseForWrite, errorfs.OpRename, errorfs.OpLink, errorfs.OpMkdirAll:
		return "create"
	case errorfs.OpFileWrite, errorfs.OpFileWriteAt:
		return "write"
	case errorfs.OpFileSync, errorfs.OpFileSyncData, errorfs.OpFileSyncTo:
		return "sync"
	}
	return ""
}
