package pebblelog

import (
	"fmt"
	"os"
	"runtime"
	"strings"

	"github.com/cockroachdb/pebble/v2/vfs"
)

const markerPrefix = "marker." // of Pebble's pointer files

// failFS sees every failed write, sync, create and rename below the store's
// directory before Pebble does. Pebble answers some of them by a panic in the
// middle of its locks or on a goroutine of its own, and retries others; we want
// one rule: the first failure of the log's files, also while Open creates or
// recovers them, ends the process with a line that names the file. Reads and
// removals are not writes and pass.
type failFS struct {
	vfs.FS
	store string
	fail  func(error)
}

func (f *failFS) Unwrap() vfs.FS { return f.FS }

func (f *failFS) see(op, path string, err error) {
	if err == nil {
		return
	}
	if rest, ours := strings.CutPrefix(path, f.store); ours && (rest == "" || os.IsPathSeparator(rest[0])) {
		f.fail(fmt.Errorf("%s %s: %w", op, path, err))
	}
}

func (f *failFS) file(op, name string, file vfs.File, err error) (vfs.File, error) {
	f.see(op, name, err)
	if err != nil {
		return nil, err
	}
	return &failFile{File: file, fs: f, name: name}, nil
}

// Create makes a file. Pebble makes a new manifest and then a marker file whose
// name points to it, and syncs the directory once, for both. A disk that keeps
// the marker and not the manifest leaves a store that cannot be opened (found by
// TestCrashEveryOperation), so the directory is synced before the marker as well.
func (f *failFS) Create(name string, c vfs.DiskWriteCategory) (vfs.File, error) {
	if strings.HasPrefix(f.FS.PathBase(name), markerPrefix) {
		if err := syncDir(f.FS, f.FS.PathDir(name)); err != nil {
			f.see("sync", f.FS.PathDir(name), err)
			return nil, err
		}
	}
	file, err := f.FS.Create(name, c)
	return f.file("create", name, file, err)
}

func (f *failFS) OpenReadWrite(name string, c vfs.DiskWriteCategory, o ...vfs.OpenOption) (vfs.File, error) {
	file, err := f.FS.OpenReadWrite(name, c, o...)
	return f.file("open", name, file, err)
}

func (f *failFS) ReuseForWrite(from, to string, c vfs.DiskWriteCategory) (vfs.File, error) {
	file, err := f.FS.ReuseForWrite(from, to, c)
	return f.file("reuse", to, file, err)
}

func (f *failFS) OpenDir(name string) (vfs.File, error) {
	file, err := f.FS.OpenDir(name)
	return f.file("open", name, file, err)
}

func (f *failFS) Rename(from, to string) error {
	err := f.FS.Rename(from, to)
	f.see("rename", to, err)
	return err
}

func (f *failFS) Link(from, to string) error {
	err := f.FS.Link(from, to)
	f.see("link", to, err)
	return err
}

func (f *failFS) MkdirAll(name string, perm os.FileMode) error {
	err := f.FS.MkdirAll(name, perm)
	f.see("mkdir", name, err)
	return err
}

// failFile reports failed writes and syncs; Fd is forwarded by embedding, which
// keeps Pebble's preallocation and sync_file_range.
type failFile struct {
	vfs.File
	fs   *failFS
	name string
}

func (f *failFile) Write(p []byte) (int, error) {
	n, err := f.File.Write(p)
	f.fs.see("write", f.name, err)
	return n, err
}

func (f *failFile) WriteAt(p []byte, off int64) (int, error) {
	n, err := f.File.WriteAt(p, off)
	f.fs.see("write", f.name, err)
	return n, err
}

func (f *failFile) Sync() error {
	err := f.File.Sync()
	f.fs.see("sync", f.name, err)
	return err
}

func (f *failFile) SyncData() error {
	err := f.File.SyncData()
	f.fs.see("sync", f.name, err)
	return err
}

func (f *failFile) SyncTo(n int64) (bool, error) {
	full, err := f.File.SyncTo(n)
	f.fs.see("sync", f.name, err)
	return full, err
}

// exitLogger is Pebble's logger: Fatalf ends the process and never returns.
type exitLogger struct {
	fail func(error)
	exit func(int)
}

func (exitLogger) Infof(string, ...any)  {}
func (exitLogger) Errorf(string, ...any) {}

// Fatalf never returns, whatever the injected functions do: with a Fatalf that
// returns, Pebble answers nil to a write whose sync failed (F1).
func (l exitLogger) Fatalf(format string, args ...any) {
	l.fail(fmt.Errorf(format, args...))
	l.exit(exitCode)
	runtime.Goexit()
}
