package waltest

import (
	"bytes"
	"encoding/binary"
	"errors"
	"fmt"
	"testing"

	"gongji/wal"
)

// Place is where one log lives. The suite asks for a new one for each test.
type Place struct {
	// Open creates the log if there is none, or opens it again.
	Open func(id wal.Identity) (wal.Log, error)
	// CheckpointDir is a directory that does not exist yet; OpenCheckpoint
	// opens what Checkpoint wrote there.
	CheckpointDir  string
	OpenCheckpoint func(id wal.Identity) (wal.Log, error)
	// FailSyncs makes every sync of the log fail from now on; Injected says how
	// many did.
	FailSyncs func()
	Injected  func() int
}

// Identity is the one the suite creates its logs with.
var Identity = wal.Identity{Ledger: wal.ID{'l', 'e', 'd', 'g', 'e', 'r'}, Directory: wal.ID{'d', 'i', 'r'}}

// Run runs the suite.
func Run(t *testing.T, newPlace func(t *testing.T) Place) {
	for _, c := range []struct {
		name string
		test func(*testing.T, Place)
	}{
		{"Order", testOrder},
		{"PayloadReuse", testPayloadReuse},
		{"Outstanding", testOutstanding},
		{"ReadFrom", testReadFrom},
		{"ReadStops", testReadStops},
		{"Get", testGet},
		{"Unsynced", testUnsynced},
		{"Reopen", testReopen},
		{"Chain", testChain},
		{"Foreign", testForeign},
		{"Locked", testLocked},
		{"Latch", testLatch},
		{"TooLarge", testTooLarge},
		{"Checkpoint", testCheckpoint},
		{"Truncate", testTruncate},
		{"TruncateAll", testTruncateAll},
		{"Closed", testClosed},
	} {
		t.Run(c.name, func(t *testing.T) { c.test(t, newPlace(t)) })
	}
}

// Payload is what the suite stores at a sequence: the sequence and as many
// bytes as it says, so that a payload in the wrong place is seen.
func Payload(sequence uint64) []byte {
	p := binary.LittleEndian.AppendUint64(nil, sequence)
	return append(p, bytes.Repeat([]byte{byte(sequence)}, int(sequence*37%500))...)
}

func open(t *testing.T, p Place) wal.Log {
	t.Helper()
	l, err := p.Open(Identity)
	if err != nil {
		t.Fatal(err)
	}
	return l
}

func closeLog(t *testing.T, l wal.Log) {
	t.Helper()
	if err := l.Close(); err != nil {
		t.Fatal(err)
	}
}

// fill appends n records and waits for them.
func fill(t *testing.T, l wal.Log, n int) {
	t.Helper()
	var last wal.Commit
	for range n {
		c, err := l.Append(Payload(l.Last() + 1))
		if err != nil {
			t.Fatal(err)
		}
		last = c
	}
	if err := last.Wait(); err != nil {
		t.Fatal(err)
	}
}

// check reads everything from from on and compares it with what fill wrote.
func check(t *testing.T, l wal.Log, from, to uint64) {
	t.Helper()
	next := from
	err := l.Read(from, func(r wal.Record) error {
		if r.Sequence != next || !bytes.Equal(r.Payload, Payload(next)) {
			return fmt.Errorf("record %d of %d bytes in the place of %d", r.Sequence, len(r.Payload), next)
		}
		next++
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	if next != to+1 {
		t.Fatalf("read up to %d, want %d", next-1, to)
	}
}

func testOrder(t *testing.T, p Place) {
	l := open(t, p)
	defer closeLog(t, l)
	if l.Last() != 0 || l.Committed() != 0 {
		t.Fatalf("new log: last %d committed %d", l.Last(), l.Committed())
	}
	check(t, l, 1, 0)
	for want := uint64(1); want <= 20; want++ {
		c, err := l.Append(Payload(want))
		if err != nil {
			t.Fatal(err)
		}
		if c.Sequence() != want || l.Last() != want {
			t.Fatalf("appended as %d, last %d, want %d", c.Sequence(), l.Last(), want)
		}
		if err := c.Wait(); err != nil {
			t.Fatal(err)
		}
		if l.Committed() != want {
			t.Fatalf("committed %d after Wait of %d", l.Committed(), want)
		}
		if err := c.Wait(); err != nil {
			t.Fatalf("second Wait: %v", err)
		}
	}
	check(t, l, 1, 20)
}

func testPayloadReuse(t *testing.T, p Place) {
	l := open(t, p)
	defer closeLog(t, l)
	buf := make([]byte, 0, 1024)
	var last wal.Commit
	for sequence := uint64(1); sequence <= 50; sequence++ {
		buf = append(buf[:0], Payload(sequence)...)
		c, err := l.Append(buf)
		if err != nil {
			t.Fatal(err)
		}
		for i := range buf {
			buf[i] = 0xee
		}
		last = c
	}
	if err := last.Wait(); err != nil {
		t.Fatal(err)
	}
	check(t, l, 1, 50)
}

// testOutstanding never waits: Append itself must.
func testOutstanding(t *testing.T, p Place) {
	l := open(t, p)
	defer closeLog(t, l)
	for sequence := uint64(1); sequence <= 100; sequence++ {
		if _, err := l.Append(Payload(sequence)); err != nil {
			t.Fatal(err)
		}
		if n := l.Last() - l.Committed(); n > wal.AppendsOutstandingMax {
			t.Fatalf("%d records outstanding, at most %d", n, wal.AppendsOutstandingMax)
		}
	}
}

func testReadFrom(t *testing.T, p Place) {
	l := open(t, p)
	defer closeLog(t, l)
	fill(t, l, 30)
	for from := uint64(1); from <= 31; from++ {
		check(t, l, from, 30)
	}
	first := uint64(0)
	if err := l.Read(0, func(r wal.Record) error { first = r.Sequence; return errStop }); !errors.Is(err, errStop) || first != 1 {
		t.Fatalf("Read(0): began at %d, %v", first, err)
	}
	if err := l.Read(1000, func(wal.Record) error { return errStop }); err != nil {
		t.Fatalf("behind the end: %v", err)
	}
}

var errStop = errors.New("stop")

func testReadStops(t *testing.T, p Place) {
	l := open(t, p)
	defer closeLog(t, l)
	fill(t, l, 10)
	seen := 0
	err := l.Read(3, func(wal.Record) error {
		if seen++; seen == 4 {
			return errStop
		}
		return nil
	})
	if !errors.Is(err, errStop) || seen != 4 {
		t.Fatalf("saw %d records, %v", seen, err)
	}
}

func testGet(t *testing.T, p Place) {
	l := open(t, p)
	defer closeLog(t, l)
	var links []wal.Link
	for sequence := uint64(1); sequence <= 10; sequence++ {
		c, err := l.Append(Payload(sequence))
		if err != nil {
			t.Fatal(err)
		}
		if err := c.Wait(); err != nil {
			t.Fatal(err)
		}
		links = append(links, c.Link())
	}
	buf := make([]byte, 0, 2000)
	for sequence := uint64(1); sequence <= 10; sequence++ {
		r, err := l.Get(sequence, buf)
		if err != nil {
			t.Fatal(err)
		}
		if r.Sequence != sequence || r.Link != links[sequence-1] || !bytes.Equal(r.Payload, Payload(sequence)) {
			t.Fatalf("Get(%d) gave record %d", sequence, r.Sequence)
		}
		if &r.Payload[0] != &buf[:1][0] {
			t.Fatal("Get did not use dst")
		}
	}
	r, err := l.Get(2, []byte("head"))
	if err != nil || !bytes.Equal(r.Payload, Payload(2)) {
		t.Fatalf("Get behind other bytes: %v", err)
	}
	if _, err := l.Get(11, nil); !errors.Is(err, wal.ErrNotFound) {
		t.Fatalf("Get(11): %v", err)
	}
	if _, err := l.Get(0, nil); !errors.Is(err, wal.ErrTruncated) {
		t.Fatalf("Get(0): %v", err)
	}
}

// testUnsynced: what is staged and not known durable is not shown to readers.
func testUnsynced(t *testing.T, p Place) {
	l := open(t, p)
	defer closeLog(t, l)
	fill(t, l, 3)
	c, err := l.Append(Payload(4))
	if err != nil {
		t.Fatal(err)
	}
	check(t, l, 1, 3)
	if _, err := l.Get(4, nil); !errors.Is(err, wal.ErrNotFound) {
		t.Fatalf("Get of a staged record: %v", err)
	}
	if err := c.Wait(); err != nil {
		t.Fatal(err)
	}
	check(t, l, 1, 4)
}

func testReopen(t *testing.T, p Place) {
	for round := range uint64(4) {
		l := open(t, p)
		if want := round * 25; l.Last() != want || l.Committed() != want || l.Mark() != want {
			t.Fatalf("opened with last %d committed %d mark %d, want %d", l.Last(), l.Committed(), l.Mark(), want)
		}
		fill(t, l, 25)
		check(t, l, 1, round*25+25)
		closeLog(t, l)
	}
}

// testChain: links depend on everything before them, and go on after a restart.
func testChain(t *testing.T, p Place) {
	l := open(t, p)
	var previous wal.Link
	id := Identity
	for sequence := uint64(1); sequence <= 6; sequence++ {
		c, err := l.Append(Payload(sequence))
		if err != nil {
			t.Fatal(err)
		}
		_, previous = wal.AppendRecord(nil, &id, sequence, previous, Payload(sequence))
		if c.Link() != previous {
			t.Fatalf("link of %d is %v, want %v", sequence, c.Link(), previous)
		}
		if sequence == 3 {
			closeLog(t, l)
			l = open(t, p)
		}
	}
	closeLog(t, l)
}

func testForeign(t *testing.T, p Place) {
	l := open(t, p)
	fill(t, l, 2)
	closeLog(t, l)
	for _, change := range []func(*wal.Identity){
		func(id *wal.Identity) { id.Ledger[3]++ },
		func(id *wal.Identity) { id.Directory[3]++ },
	} {
		id := Identity
		change(&id)
		if _, err := p.Open(id); !errors.Is(err, wal.ErrForeign) {
			t.Fatalf("opened as another log: %v", err)
		}
	}
	l = open(t, p)
	check(t, l, 1, 2)
	closeLog(t, l)
}

func testLocked(t *testing.T, p Place) {
	l := open(t, p)
	if _, err := p.Open(Identity); !errors.Is(err, wal.ErrLocked) {
		t.Fatalf("opened twice: %v", err)
	}
	fill(t, l, 2)
	closeLog(t, l)
	closeLog(t, open(t, p))
}

func testLatch(t *testing.T, p Place) {
	l := open(t, p)
	fill(t, l, 5)
	p.FailSyncs()
	c, err := l.Append(Payload(6))
	if err != nil {
		t.Fatal(err)
	}
	first := c.Wait()
	if !errors.Is(first, wal.ErrUnknown) || !errors.Is(first, wal.ErrLatched) {
		t.Fatalf("Wait after a failed sync: %v", first)
	}
	if p.Injected() == 0 {
		t.Fatal("vacuous: nothing injected")
	}
	if again := c.Wait(); again == nil || again.Error() != first.Error() {
		t.Fatalf("second Wait: %v, first %v", again, first)
	}
	for range 2 * wal.AppendsOutstandingMax {
		_, err := l.Append(Payload(7))
		if !errors.Is(err, wal.ErrNotCommitted) || !errors.Is(err, wal.ErrLatched) {
			t.Fatalf("Append after a failure: %v", err)
		}
	}
	if l.Committed() != 5 {
		t.Fatalf("committed %d, want 5", l.Committed())
	}
	check(t, l, 1, 5)
	if err := l.Close(); !errors.Is(err, wal.ErrLatched) {
		t.Fatalf("Close of a failed log: %v", err)
	}
}

func testTooLarge(t *testing.T, p Place) {
	l := open(t, p)
	defer closeLog(t, l)
	if _, err := l.Append(make([]byte, wal.RecordBytesMax+1)); !errors.Is(err, wal.ErrTooLarge) {
		t.Fatalf("too large: %v", err)
	}
	if l.Last() != 0 {
		t.Fatalf("last %d after a refused record", l.Last())
	}
	big := bytes.Repeat([]byte{7}, wal.RecordBytesMax)
	c, err := l.Append(big)
	if err != nil {
		t.Fatal(err)
	}
	if err := c.Wait(); err != nil {
		t.Fatal(err)
	}
	r, err := l.Get(1, nil)
	if err != nil || !bytes.Equal(r.Payload, big) {
		t.Fatalf("largest record: %v", err)
	}
}

func testCheckpoint(t *testing.T, p Place) {
	l := open(t, p)
	defer closeLog(t, l)
	fill(t, l, 40)
	if err := l.Checkpoint(p.CheckpointDir); err != nil {
		t.Fatal(err)
	}
	if err := l.Checkpoint(p.CheckpointDir); err == nil {
		t.Fatal("a checkpoint over another one")
	}
	fill(t, l, 10) // the original goes on
	other := Identity
	other.Ledger[0]++
	if _, err := p.OpenCheckpoint(other); !errors.Is(err, wal.ErrForeign) {
		t.Fatalf("checkpoint of another ledger: %v", err)
	}
	c, err := p.OpenCheckpoint(Identity)
	if err != nil {
		t.Fatal(err)
	}
	defer closeLog(t, c)
	if c.Mark() < 40 {
		t.Fatalf("mark of the checkpoint %d, want at least 40", c.Mark())
	}
	check(t, c, 1, 40)
	fill(t, c, 5) // and can be written to
	check(t, c, 1, 45)
	check(t, l, 1, 50)
}

func testTruncate(t *testing.T, p Place) {
	l := open(t, p)
	fill(t, l, 40)
	for _, before := range []uint64{0, 1, 11, 5, 21} {
		if err := l.Truncate(before); err != nil {
			t.Fatal(err)
		}
	}
	for round := range 2 {
		check(t, l, 21, 40+uint64(round)*5)
		first := uint64(0)
		_ = l.Read(0, func(r wal.Record) error { first = r.Sequence; return errStop })
		if first != 21 {
			t.Fatalf("first kept record %d, want 21", first)
		}
		if err := l.Read(20, func(wal.Record) error { return nil }); !errors.Is(err, wal.ErrTruncated) {
			t.Fatalf("Read(20): %v", err)
		}
		if _, err := l.Get(20, nil); !errors.Is(err, wal.ErrTruncated) {
			t.Fatalf("Get(20): %v", err)
		}
		if err := l.Truncate(l.Committed() + 2); !errors.Is(err, wal.ErrNotFound) {
			t.Fatalf("truncate behind the end: %v", err)
		}
		if round == 0 {
			closeLog(t, l)
			l = open(t, p)
			fill(t, l, 5)
		}
	}
	closeLog(t, l)
}

// testTruncateAll: an empty log still knows where it was.
func testTruncateAll(t *testing.T, p Place) {
	l := open(t, p)
	fill(t, l, 9)
	if err := l.Truncate(10); err != nil {
		t.Fatal(err)
	}
	closeLog(t, l)
	l = open(t, p)
	defer closeLog(t, l)
	if l.Last() != 9 || l.Committed() != 9 || l.Mark() != 9 {
		t.Fatalf("last %d committed %d mark %d, want 9", l.Last(), l.Committed(), l.Mark())
	}
	fill(t, l, 3)
	check(t, l, 10, 12)
}

func testClosed(t *testing.T, p Place) {
	l := open(t, p)
	fill(t, l, 1)
	closeLog(t, l)
	if _, err := l.Append(nil); !errors.Is(err, wal.ErrClosed) {
		t.Fatalf("Append after Close: %v", err)
	}
	if err := l.Close(); !errors.Is(err, wal.ErrClosed) {
		t.Fatalf("second Close: %v", err)
	}
}
