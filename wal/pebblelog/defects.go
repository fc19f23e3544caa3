package pebblelog

import "github.com/cockroachdb/pebble/v2/vfs"

// The mistakes that a build tag turns on here, at most one at a time (bench/defects/DESIGN.md). All are false in a normal build.
const (
	nosyncDefect       = active == 1 // records and marks are not synced and are said to be
	fatalReturnsDefect = active == 2 // the first failure is told and not remembered, and what it struck is said to be durable
	syncIgnoredDefect  = active == 3 // nobody looks at a sync's answer
	syncRetriedDefect  = active == 4 // a failed sync is tried once more, and that answer is believed
	markIgnoredDefect  = active == 5 // a log that ends before its mark is opened
)

// unsyncedFile says that it synced.
type unsyncedFile struct{ vfs.File }

func (unsyncedFile) SyncData() error { return nil }
