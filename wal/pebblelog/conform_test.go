package pebblelog

import (
	"path/filepath"
	"sync/atomic"
	"testing"

	"github.com/cockroachdb/pebble/v2/vfs"
	"github.com/cockroachdb/pebble/v2/vfs/errorfs"

	"gongji/wal"
	"gongji/wal/waltest"
)

func TestConformance(t *testing.T) {
	t.Run("memory", func(t *testing.T) {
		waltest.Run(t, func(t *testing.T) waltest.Place { return newPlace(vfs.NewMem(), "/", segmentBytes) })
	})
	t.Run("rotating", func(t *testing.T) { // every few records a new segment
		waltest.Run(t, func(t *testing.T) waltest.Place { return newPlace(vfs.NewMem(), "/", 8<<10) })
	})
	t.Run("disk", func(t *testing.T) {
		waltest.Run(t, func(t *testing.T) waltest.Place { return newPlace(vfs.Default, t.TempDir(), segmentBytes) })
	})
}

func newPlace(fs vfs.FS, root string, segment int64) waltest.Place {
	var failing atomic.Bool
	injector := &errorfs.Counter{Injector: errorfs.InjectorFunc(func(op errorfs.Op) error {
		if failing.Load() && kindOf(op.Path) == "segment" && opKind(op) == "sync" {
			return errorfs.ErrInjected
		}
		return nil
	})}
	wrapped := errorfs.Wrap(fs, injector)
	dir, copyDir := filepath.Join(root, "log"), filepath.Join(root, "copy")
	open := func(dir string, id wal.Identity) (wal.Log, error) {
		l, err := Open(dir, Options{Identity: id, FS: wrapped, Create: true, SegmentBytes: segment, OnFatal: func(error) {}})
		if err != nil {
			return nil, err
		}
		return l, nil
	}
	return waltest.Place{
		Open:           func(id wal.Identity) (wal.Log, error) { return open(dir, id) },
		CheckpointDir:  copyDir,
		OpenCheckpoint: func(id wal.Identity) (wal.Log, error) { return open(copyDir, id) },
		FailSyncs:      func() { failing.Store(true) },
		Injected:       func() int { return int(injector.Load()) },
	}
}
