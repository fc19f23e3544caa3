package engine

import (
	"fmt"
	"os"
	"path/filepath"

	"gongji/engine/state"
)

// DiskUse is what a ledger takes on the disk, in bytes.
type DiskUse struct {
	Log   int64 // all segments
	State state.Usage
}

// DiskUse tells what the ledger takes on the disk now. Any goroutine.
func (e *Engine) DiskUse() (u DiskUse, err error) {
	if u.State, err = e.core.store.Usage(); err != nil {
		return u, err
	}
	files, err := os.ReadDir(filepath.Join(e.options.Dir, "log", "segments"))
	if err != nil {
		return u, fmt.Errorf("size of the log: %w", err)
	}
	for _, f := range files {
		info, err := f.Info()
		if err != nil {
			return u, fmt.Errorf("size of the log: %w", err)
		}
		u.Log += info.Size()
	}
	return u, nil
}
