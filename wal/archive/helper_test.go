package archive

import (
	"fmt"
	"math/rand/v2"
	"testing"

	"github.com/cockroachdb/pebble/v2/vfs"
	"go.uber.org/goleak"

	"gongji/wal"
	"gongji/wal/memlog"
	"gongji/wal/waltest"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

const (
	archiveDir  = "/archive"
	logDir      = "/log"
	testSegment = 12 << 10 // so small that a short log fills several
)

// payload is what stands at a sequence: half of it compresses.
func payload(sequence uint64) []byte {
	rng := rand.New(rand.NewPCG(sequence, 2))
	p := make([]byte, 8+rng.IntN(1200))
	for i := range p[:len(p)/2] {
		p[i] = byte(rng.Uint32())
	}
	return p
}

func must(t testing.TB, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}

func fill(l wal.Log, n int) error {
	for range n {
		c, err := l.Append(payload(l.Last() + 1))
		if err != nil {
			return err
		}
		if err := c.Wait(); err != nil {
			return err
		}
	}
	return nil
}

func memLog(t testing.TB, n int) wal.Log {
	t.Helper()
	l, err := memlog.Open(memlog.NewDisk(), memlog.Options{Identity: waltest.Identity})
	must(t, err)
	must(t, fill(l, n))
	return l
}

func openArchive(fs vfs.FS) (*Archive, error) {
	return Open(archiveDir, Options{Identity: waltest.Identity, FS: fs, Create: true, SegmentBytes: testSegment})
}

// isWhole demands that records from to last are read as they were written.
func isWhole(read func(uint64, func(wal.Record) error) error, from, last uint64) error {
	next := from
	err := read(from, func(r wal.Record) error {
		if r.Sequence != next || string(r.Payload) != string(payload(next)) {
			return fmt.Errorf("record %d at %d, %d bytes", r.Sequence, next, len(r.Payload))
		}
		next++
		return nil
	})
	if err == nil && next != last+1 {
		err = fmt.Errorf("read to %d, wanted %d", next-1, last)
	}
	return err
}
