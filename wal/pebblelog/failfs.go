package pebblelog

import (
	"fmt"
	"os"
	"strings"

	"github.com/cockroachdb/pebble/v2/vfs"
)

// failFS sees every failed write, sync, create and rename below the store's
// directory at the moment it fails, on whatever goroutine: also Pebble's flush
// goroutine, when nobody waits yet. One rule: the first failure of the log's
// files, also while Open creates or recovers them, is told with a line that
// names the file. Reads and removals are not writes and pass.
type failFS struct {
	vfs.FS
	store string
	fail  func(error)
}

func (f *failFS) Unwrap() vfs.FS { return f.FS }

func (f *failFS) see(op, path string, err error) {
	if err == nil || syncIgnoredDefect {
		return
	}
	if rest, ours := strings.CutPrefix(path, f.store); ours && (rest == "" || os.IsPathSeparator(rest[0])) {
		f.fail(fmt.Errorf("%s %s: %w", op, strings.TrimSuffix(path, newSuffix), err)) // the name it gets
	}
}

func (f *failFS) file(op, name string, file vfs.File, err error) (vfs.File, error) {
	f.see(op, name, err)
	if err != nil {
		return nil, err
	}
	return &failFile{File: file, fs: f, name: name}, nil
}

func (f *failFS) Create(name string, c vfs.DiskWriteCategory) (vfs.File, error) {
	file, err := f.FS.Create(name, c)
	return f.file("create", name, file, err)
}

func (f *failFS) OpenReadWrite(name string, c vfs.DiskWriteCategory, o ...vfs.OpenOption) (vfs.File, error) {
	file, err := f.FS.OpenReadWrite(name, c, o...)
	return f.file("open", name, file, err)
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

func (f *failFS) MkdirAll(name string, perm os.FileMode) error {
	err := f.FS.MkdirAll(name, perm)
	f.see("mkdir", name, err)
	return err
}

// failFile reports failed writes and syncs; these are all the writing methods
// that this package calls.
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

func (f *failFile) Sync() error {
	err := f.File.Sync()
	f.fs.see("sync", f.name, err)
	return err
}

func (f *failFile) SyncData() error {
	err := f.File.SyncData()
	if syncRetriedDefect && err != nil {
		err = f.File.SyncData()
	}
	f.fs.see("sync", f.name, err)
	return err
}
