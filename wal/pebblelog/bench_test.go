package pebblelog

import (
	"errors"
	"fmt"
	"math/rand/v2"
	"os"
	"path/filepath"
	"runtime"
	"slices"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"github.com/cockroachdb/pebble/v2/vfs"

	"gongji/wal"
)

// The yardstick of the benchmark: a preallocated segment file, the same record
// bytes, the same number of records outstanding, one fdatasync for all that
// wait. It has no reading, recovery, truncation or checkpoint.
type segmentLog struct {
	dir    string
	id     wal.Identity
	file   vfs.File
	n      int
	offset int
	at     wal.Position
	buf    []byte

	mu      sync.Mutex
	changed sync.Cond
	written uint64
	synced  uint64
	err     error
	closing bool
	done    chan struct{}
}

const yardstickBytes = 64 << 20

func openSegmentLog(dir string) (*segmentLog, error) {
	if err := os.MkdirAll(dir, 0o700); err != nil {
		return nil, err
	}
	s := &segmentLog{dir: dir, id: benchIdentity, done: make(chan struct{})}
	s.changed.L = &s.mu
	if err := s.rotate(); err != nil {
		return nil, err
	}
	go s.syncLoop()
	return s, nil
}

func (s *segmentLog) rotate() error {
	if s.file != nil {
		s.waitFor(s.at.Sequence)
		if err := s.file.Close(); err != nil {
			return err
		}
	}
	s.n++
	file, err := vfs.Default.Create(filepath.Join(s.dir, fmt.Sprintf("%06d.seg", s.n)), "bench")
	if err != nil {
		return err
	}
	s.mu.Lock()
	s.file, s.offset = file, 0
	s.mu.Unlock()
	return errors.Join(file.Preallocate(0, yardstickBytes+yardstickBytes/10), syncDir(vfs.Default, s.dir))
}

func (s *segmentLog) append(payload []byte) error {
	s.waitFor(s.at.Sequence - min(s.at.Sequence, wal.AppendsOutstandingMax-1))
	if s.offset+wal.EncodedBytes(len(payload)) > yardstickBytes {
		if err := s.rotate(); err != nil {
			return err
		}
	}
	var link wal.Link
	s.buf, link = wal.AppendRecord(s.buf[:0], &s.id, s.at.Sequence+1, s.at.Link, payload)
	if _, err := s.file.Write(s.buf); err != nil {
		return err
	}
	s.offset += len(s.buf)
	s.at = wal.Position{Sequence: s.at.Sequence + 1, Link: link}
	s.mu.Lock()
	s.written = s.at.Sequence
	s.changed.Broadcast()
	s.mu.Unlock()
	return s.err
}

func (s *segmentLog) waitFor(sequence uint64) {
	s.mu.Lock()
	for s.synced < sequence {
		s.changed.Wait()
	}
	s.mu.Unlock()
}

func (s *segmentLog) syncLoop() {
	defer close(s.done)
	s.mu.Lock()
	defer s.mu.Unlock()
	for {
		for s.written == s.synced {
			if s.closing {
				return
			}
			s.changed.Wait()
		}
		upTo, file := s.written, s.file
		s.mu.Unlock()
		err := file.SyncData()
		s.mu.Lock()
		s.synced, s.err = upTo, errors.Join(s.err, err)
		s.changed.Broadcast()
	}
}

func (s *segmentLog) close() error {
	s.waitFor(s.at.Sequence)
	s.mu.Lock()
	s.closing = true
	s.changed.Broadcast()
	s.mu.Unlock()
	<-s.done
	return errors.Join(s.err, s.file.Close())
}

var benchIdentity = wal.Identity{Ledger: wal.ID{1}, Directory: wal.ID{2}}

const (
	commandBytes   = 128
	benchRounds    = 7
	benchWarmBytes = 160 << 20 // two segments
	benchBytes     = 192 << 20 // three segments
	benchBatches   = 20000     // for small batches, where bytes would take for ever
)

// figures of one run; per command but for writeRatio, the bytes written to
// disk for one payload byte.
type figures struct{ commandsPerSecond, cpuNS, writeRatio float64 }

// BenchmarkLog compares this log with the segment file, in turns, on a real
// disk, and prints medians. One iteration is the whole comparison:
//
//	go test ./wal/pebblelog -run '^$' -bench BenchmarkLog -benchtime 1x
func BenchmarkLog(b *testing.B) {
	for range b.N {
		for _, commands := range []int{1, 64, 512, 2048, 4096} {
			var rounds [2][]figures
			for round := range benchRounds {
				for k := range 2 {
					which := (k + round) % 2
					rounds[which] = append(rounds[which], measure(b, which, commands))
				}
			}
			pebble, segment := median(rounds[0]), median(rounds[1])
			name := fmt.Sprintf("c%d-", commands)
			b.ReportMetric(segment.commandsPerSecond/pebble.commandsPerSecond, name+"ratio")
			for i, f := range []figures{pebble, segment} {
				fmt.Printf("commands/batch=%d %s: %.0f commands/s %.1f MB/s %.0f ns CPU/command %.2f bytes written/byte\n", commands,
					[]string{"pebblelog", "segment  "}[i], f.commandsPerSecond, f.commandsPerSecond*commandBytes/1e6, f.cpuNS, f.writeRatio)
			}
			fmt.Printf("commands/batch=%d segment/pebblelog: medians %.2f, median of the pairs %.2f\n", commands,
				segment.commandsPerSecond/pebble.commandsPerSecond, pairRatio(rounds[1], rounds[0]))
		}
	}
}

func measure(b *testing.B, which, commands int) figures {
	dir, err := os.MkdirTemp("", "gongji-wal-bench-")
	if err != nil {
		b.Fatal(err)
	}
	defer os.RemoveAll(dir)
	payload := make([]byte, commands*commandBytes)
	rng := rand.New(rand.NewPCG(1, 2))
	for i := range payload {
		payload[i] = byte(rng.Uint32())
	}
	var appendOne func() error
	var closeIt func() error
	if which == 0 {
		l, err := Open(filepath.Join(dir, "log"), Options{Identity: benchIdentity, Create: true})
		if err != nil {
			b.Fatal(err)
		}
		appendOne = func() error { _, err := l.Append(payload); return err }
		closeIt = l.Close
	} else {
		s, err := openSegmentLog(filepath.Join(dir, "log"))
		if err != nil {
			b.Fatal(err)
		}
		appendOne = func() error { return s.append(payload) }
		closeIt = s.close
	}
	run := func(n int) {
		for range n {
			if err := appendOne(); err != nil {
				b.Fatal(err)
			}
		}
	}
	run(min(benchWarmBytes/len(payload), benchBatches))
	n := min(benchBytes/len(payload), benchBatches)
	cpu, bytes, start := cpuTime(), bytesWritten(b), time.Now()
	run(n)
	elapsed := time.Since(start)
	if err := closeIt(); err != nil {
		b.Fatal(err)
	}
	total := float64(n * commands)
	return figures{total / elapsed.Seconds(), float64(cpuTime()-cpu) / total,
		float64(bytesWritten(b)-bytes) / (total * commandBytes)}
}

// pairRatio is the median of the rounds' own ratios: both halves of a round see
// about the same neighbours on the machine.
func pairRatio(over, under []figures) float64 {
	ratios := make([]float64, len(over))
	for i := range over {
		ratios[i] = over[i].commandsPerSecond / under[i].commandsPerSecond
	}
	slices.Sort(ratios)
	return ratios[len(ratios)/2]
}

func median(all []figures) figures {
	pick := func(of func(figures) float64) float64 {
		values := make([]float64, len(all))
		for i, f := range all {
			values[i] = of(f)
		}
		slices.Sort(values)
		return values[len(values)/2]
	}
	return figures{
		pick(func(f figures) float64 { return f.commandsPerSecond }),
		pick(func(f figures) float64 { return f.cpuNS }),
		pick(func(f figures) float64 { return f.writeRatio }),
	}
}

// cpuTime is the process's user and system time.
func cpuTime() time.Duration {
	var usage syscall.Rusage
	if err := syscall.Getrusage(syscall.RUSAGE_SELF, &usage); err != nil {
		panic(err)
	}
	return time.Duration(usage.Utime.Nano() + usage.Stime.Nano())
}

// bytesWritten is what the process sent to the disk so far.
func bytesWritten(b *testing.B) int64 {
	data, err := os.ReadFile("/proc/self/io")
	if err != nil {
		b.Fatal(err)
	}
	for line := range strings.Lines(string(data)) {
		var n int64
		if _, err := fmt.Sscanf(line, "write_bytes: %d", &n); err == nil {
			return n
		}
	}
	b.Fatal("no write_bytes in /proc/self/io")
	return 0
}

// BenchmarkOpen measures a start with a million commands in the log, as a kill
// leaves it (no Close), verified from the beginning and from a checkpoint near
// the end:
//
//	go test ./wal/pebblelog -run '^$' -bench BenchmarkOpen -benchtime 5x
func BenchmarkOpen(b *testing.B) {
	for _, commands := range []int{512, 4096} {
		source, at := killedLog(b, commands, 1_000_000/commands)
		for _, from := range []wal.Position{{}, at} {
			name := "all"
			if from.Sequence > 0 {
				name = "from-checkpoint"
			}
			b.Run(fmt.Sprintf("commands=%d/verify=%s", commands, name), func(b *testing.B) {
				for b.Loop() {
					b.StopTimer()
					dir := copyDir(b, source)
					b.StartTimer()
					l, err := Open(dir, Options{Identity: benchIdentity, VerifyFrom: from})
					b.StopTimer()
					if err != nil {
						b.Fatal(err)
					}
					if err := errors.Join(l.Close(), os.RemoveAll(dir)); err != nil {
						b.Fatal(err)
					}
					b.StartTimer()
				}
			})
		}
		if err := os.RemoveAll(source); err != nil {
			b.Fatal(err)
		}
	}
}

// killedLog writes records and copies the directory while the log is open. The
// position is that of the record 50,000 commands before the end.
func killedLog(b *testing.B, commands, records int) (string, wal.Position) {
	dir, err := os.MkdirTemp("", "gongji-wal-bench-")
	if err != nil {
		b.Fatal(err)
	}
	defer os.RemoveAll(dir)
	l, err := Open(filepath.Join(dir, "log"), Options{Identity: benchIdentity, Create: true})
	if err != nil {
		b.Fatal(err)
	}
	var at wal.Position
	payload := make([]byte, commands*commandBytes)
	for i := range records {
		c, err := l.Append(payload)
		if err == nil {
			err = c.Wait()
		}
		if err != nil {
			b.Fatal(err)
		}
		if i == records-50_000/commands {
			at = wal.Position{Sequence: c.Sequence(), Link: c.Link()}
		}
	}
	for l.Mark() < l.Committed() {
		l.marker.signal()
		runtime.Gosched()
	}
	killed := copyDir(b, filepath.Join(dir, "log"))
	if err := l.Close(); err != nil {
		b.Fatal(err)
	}
	return killed, at
}

func copyDir(b *testing.B, from string) string {
	to, err := os.MkdirTemp("", "gongji-wal-bench-")
	if err == nil {
		err = os.CopyFS(to, os.DirFS(from))
	}
	if err != nil {
		b.Fatal(err)
	}
	return to
}
