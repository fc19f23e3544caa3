package waltest

import (
	"io"
	"sync"
	"syscall"

	"github.com/cockroachdb/pebble/v2/vfs"
)

// CrashFS avoids MemFS methods that take its clone lock twice: a crash clone that comes between dead-locks (reliability.md F7). It is the
// wrapper around every crashable file system; each process of a test has its own, as locks do not outlive a process.
type CrashFS struct {
	vfs.FS
	mu     *sync.Mutex
	locked map[string]bool
}

// NewCrashFS wraps a file system for one process.
func NewCrashFS(fs vfs.FS) CrashFS {
	return CrashFS{FS: fs, mu: new(sync.Mutex), locked: make(map[string]bool)}
}

// Unwrap gives the file system below.
func (f CrashFS) Unwrap() vfs.FS { return f.FS }

// ReuseForWrite makes a new file instead.
func (f CrashFS) ReuseForWrite(from, to string, c vfs.DiskWriteCategory) (vfs.File, error) {
	if err := f.FS.Remove(from); err != nil {
		return nil, err
	}
	return f.FS.Create(to, c)
}

// Link copies.
func (f CrashFS) Link(from, to string) error { return vfs.Copy(f.FS, from, to) }

// Lock is exclusive among the users of this wrapper.
func (f CrashFS) Lock(name string) (io.Closer, error) {
	f.mu.Lock()
	defer f.mu.Unlock()
	if f.locked[name] {
		return nil, syscall.EAGAIN
	}
	file, err := f.FS.Create(name, vfs.WriteCategoryUnspecified)
	if err != nil {
		return nil, err
	}
	f.locked[name] = true
	return unlocker{f, name, file}, nil
}

type unlocker struct {
	fs   CrashFS
	name string
	file vfs.File
}

func (u unlocker) Close() error {
	u.fs.mu.Lock()
	defer u.fs.mu.Unlock()
	delete(u.fs.locked, u.name)
	return u.file.Close()
}
