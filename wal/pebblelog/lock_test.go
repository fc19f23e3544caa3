package pebblelog

import (
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"gongji/wal"
	"gongji/wal/waltest"
)

const dirEnv = "GONGJI_WAL_DIR"

// TestSecondProcess: another process is refused while the log is open here.
func TestSecondProcess(t *testing.T) {
	dir := filepath.Join(t.TempDir(), "log")
	l, err := Open(dir, Options{Identity: waltest.Identity, Create: true})
	if err != nil {
		t.Fatal(err)
	}
	for _, want := range []string{"refused", "opened"} {
		cmd := child("TestSecondProcessChild", "lock")
		cmd.Env = append(cmd.Env, dirEnv+"="+dir)
		out, err := cmd.CombinedOutput()
		if err != nil || !strings.Contains(string(out), "child: "+want) {
			t.Fatalf("want %s: %v\n%s", want, err, out)
		}
		if want == "refused" {
			if err := l.Close(); err != nil {
				t.Fatal(err)
			}
		}
	}
}

func TestSecondProcessChild(t *testing.T) {
	if os.Getenv(childEnv) != "lock" {
		return // the parent is TestSecondProcess
	}
	l, err := Open(os.Getenv(dirEnv), Options{Identity: waltest.Identity})
	switch {
	case errors.Is(err, wal.ErrLocked):
		t.Log("child: refused")
	case err != nil:
		t.Fatal(err)
	default:
		t.Log("child: opened")
		if err := l.Close(); err != nil {
			t.Fatal(err)
		}
	}
}

// TestNotThere: a directory without a log is not made into one by accident.
func TestNotThere(t *testing.T) {
	dir := t.TempDir()
	for _, d := range []string{dir, filepath.Join(dir, "missing")} {
		if _, err := Open(d, Options{Identity: waltest.Identity}); !errors.Is(err, ErrNotExist) {
			t.Fatalf("opened %s: %v", d, err)
		}
	}
	if _, err := os.Stat(filepath.Join(dir, "missing")); err == nil {
		t.Fatal("the refused Open made the directory")
	}
}

// TestMarkOnAnotherDisk: the mark file may live elsewhere.
func TestMarkOnAnotherDisk(t *testing.T) {
	dir, other := t.TempDir(), filepath.Join(t.TempDir(), "mark")
	o := Options{Identity: waltest.Identity, Create: true, MarkPath: other}
	for round := range uint64(2) {
		l, err := Open(dir, o)
		if err != nil {
			t.Fatal(err)
		}
		c, err := l.Append([]byte("x"))
		if err == nil {
			err = c.Wait()
		}
		if err := errors.Join(err, l.Close()); err != nil || l.Mark() != round+1 {
			t.Fatalf("%v, mark %d", err, l.Mark())
		}
	}
	if _, err := os.Stat(filepath.Join(dir, markName)); err == nil {
		t.Fatal("a mark in the log's directory as well")
	}
}

// TestAppendAllocs: one record costs its Commit and nothing else here. Pebble's
// own goroutines allocate a little now and then.
func TestAppendAllocs(t *testing.T) {
	l, err := Open(filepath.Join(t.TempDir(), "log"), Options{Identity: waltest.Identity, Create: true})
	if err != nil {
		t.Fatal(err)
	}
	data := make([]byte, 8192)
	one := func() {
		c, err := l.Append(data)
		if err == nil {
			err = c.Wait()
		}
		if err != nil {
			t.Fatal(err)
		}
	}
	for range 50 {
		one()
	}
	n := testing.AllocsPerRun(200, one)
	if err := l.Close(); err != nil {
		t.Fatal(err)
	}
	if n > 2 {
		t.Fatalf("%v allocations a record", n)
	}
}
