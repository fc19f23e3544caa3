package state

import (
	"errors"
	"path/filepath"
	"strings"

	"github.com/cockroachdb/pebble/v2/vfs"
)

// markerFS makes what a marker names durable before the marker. Pebble (v2.1.7, atomicfs.Marker.Move) creates a MANIFEST and the marker that
// names it with one sync of the directory behind both, so on a file system that may keep the later of two new names and lose the earlier, a crash
// leaves a marker of a file that is not there, and the store does not open (TestCrashEveryOperation). And where the sync of a directory fails,
// Pebble panics (in Move) or tries again, which proves nothing (fsyncgate): here that ends the process in words (TestStorageErrors).
type markerFS struct {
	vfs.FS
	dir    string // the store's
	logger logger
}

// Unwrap gives the file system below.
func (f markerFS) Unwrap() vfs.FS { return f.FS }

// Create syncs the directory before a marker is made in it.
func (f markerFS) Create(name string, category vfs.DiskWriteCategory) (vfs.File, error) {
	if strings.HasPrefix(filepath.Base(name), "marker.") {
		if err := syncDir(f.FS, filepath.Dir(name)); err != nil {
			return nil, err
		}
	}
	return f.FS.Create(name, category)
}

// OpenDir opens a directory; a failed sync of the store's ends the process, one of a copy's is an error.
func (f markerFS) OpenDir(name string) (vfs.File, error) {
	file, err := f.FS.OpenDir(name)
	if err != nil || filepath.Clean(name) != filepath.Clean(f.dir) {
		return file, err
	}
	return fatalDir{file, f.logger, name}, nil
}

type fatalDir struct {
	vfs.File
	logger logger
	name   string
}

func (d fatalDir) Sync() error {
	if err := d.File.Sync(); err != nil {
		d.logger.Fatalf("sync of directory %s: %v", d.name, err)
	}
	return nil
}

func syncDir(fs vfs.FS, dir string) error {
	d, err := fs.OpenDir(dir)
	if err != nil {
		return err
	}
	return errors.Join(d.Sync(), d.Close())
}
