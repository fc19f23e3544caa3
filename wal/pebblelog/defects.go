package pebblelog

import "github.com/cockroachdb/pebble/v2/vfs"

// The mistakes that a build tag can turn on here, at most one at a time (bench/defects/DESIGN.md). All are false in a normal build.
const (
	nosyncDefect = active == 1 // records and marks are not synced and are said to be
)

// unsyncedFile says that it synced.
type unsyncedFile struct{ vfs.File }

func (unsyncedFile) SyncData() error { return nil }
