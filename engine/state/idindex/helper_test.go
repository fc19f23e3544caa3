package idindex

import (
	"encoding/binary"
	"testing"

	"github.com/cockroachdb/pebble/v2"
	"github.com/cockroachdb/pebble/v2/vfs"
	"go.uber.org/goleak"
)

func verifyLeaks(m *testing.M) int {
	code := m.Run()
	if code == 0 {
		if err := goleak.Find(); err != nil {
			println(err.Error())
			return 1
		}
	}
	return code
}

// quiet swallows the store's chatter.
type quiet struct{}

func (quiet) Infof(string, ...any)  {}
func (quiet) Errorf(string, ...any) {}
func (quiet) Fatalf(format string, args ...any) {
	panic(format)
}

// drain waits until the worker has nothing left to do, and adopts what it did, until nothing changes any more.
func (ix *Index) drain() {
	for range 4 {
		asked := make(chan struct{})
		select {
		case ix.worker.idle <- asked:
			<-asked
		case <-ix.worker.ended:
			return
		}
		ix.adopt()
	}
}

func splitmix(x uint64) uint64 {
	x += 0x9e3779b97f4a7c15
	x = (x ^ x>>30) * 0xbf58476d1ce4e5b9
	x = (x ^ x>>27) * 0x94d049bb133111eb
	return x ^ x>>31
}

// testKey is the i-th uniform key.
func testKey(i uint64) (key Key) {
	binary.BigEndian.PutUint64(key[:8], splitmix(2*i))
	binary.BigEndian.PutUint64(key[8:], splitmix(2*i+1))
	return key
}

// testEntry is the i-th entry.
func testEntry(i uint64) Entry {
	return Entry{Key: testKey(i), Position: i, Digest: splitmix(^i)}
}

func openStore(t testing.TB, fs vfs.FS) *pebble.DB {
	t.Helper()
	db, err := pebble.Open("db", &pebble.Options{FS: fs, DisableWAL: true, MemTableSize: 1 << 20, Logger: quiet{}})
	if err != nil {
		t.Fatal(err)
	}
	return db
}
