package state

import (
	"flag"
	"math/rand/v2"
	"runtime"
	"syscall"
	"testing"
	"time"

	"github.com/cockroachdb/pebble/v2"

	"gongji/engine/journal"
	"gongji/engine/ledger"
)

var (
	benchPersons = flag.Int("bench-persons", 1_000_000, "persons of BenchmarkCheckpoint")
	benchBytes   = flag.Int64("bench-bytes", 2<<30, "journal bytes of BenchmarkWriteRate")
	benchRate    = flag.Int64("bench-rate", 0, "journal bytes a second of BenchmarkWriteRate, 0: as fast as it goes")
)

func cpu() time.Duration {
	var u syscall.Rusage
	if err := syscall.Getrusage(syscall.RUSAGE_SELF, &u); err != nil {
		panic(err)
	}
	return time.Duration(u.Utime.Nano() + u.Stime.Nano())
}

// province is a state of n persons with half as many bindings.
func province(n int) *ledger.State {
	st := ledger.NewState(ledger.DefaultShifts)
	r := rand.New(rand.NewPCG(1, 1))
	for i := range n {
		n := st.AddPerson(key("psn", i), key("cert", i), ledger.Summary{Flags: 1, Area: 991000, Birth: int32(i % 20000), LendUntil: 1 << 30, NormalUntil: 1 << 30, NormalType: 310})
		balance := r.Int64N(1_000_000)
		st.Persons.Mut(n).Balance = balance
		st.Scalars.Mut(0).Funding[1] -= balance
		if i%2 == 0 {
			st.Bindings.Append(ledger.Binding{Authorizer: uint32(i), User: uint32(i + 1), Since: worldTimeMS, Order: 1000, Relation: 1, State: ledger.Active})
		}
	}
	for i := range 40_000 {
		st.Institutions.Append(ledger.Institution{Code: code(i), Type: 1})
	}
	st.Reindex()
	return st
}

func benchOptions() Options { return Options{Identity: testIdentity, Build: "bench"} }

func ms(d time.Duration) float64 { return float64(d.Microseconds()) / 1000 }

// BenchmarkCheckpoint takes three checkpoints (all pages, none, all again) and loads the last. Times are of the wall.
func BenchmarkCheckpoint(b *testing.B) {
	st := province(*benchPersons)
	for range b.N {
		dir := b.TempDir() + "/state"
		s, err := Open(dir, benchOptions())
		fail(b, err)
		_, loaded, err := s.Load(LoadOptions{})
		fail(b, err)
		ids, err := s.OpenIDs(&loaded, smallIndex)
		fail(b, err)
		for i, name := range []string{"all", "clean", "again"} {
			if i == 2 {
				touchAll(st)
			}
			checkpoint(b, s, st, ids, uint64(i+1), name)
		}
		fail(b, ids.Close())
		fail(b, s.Close())
		load(b, dir, "load", LoadOptions{})
		load(b, dir, "load-nohash", LoadOptions{SkipHash: true})
	}
	start := time.Now()
	s := Look(st)
	looked := time.Since(start)
	s.Digest(nil)
	b.ReportMetric(ms(looked), "look-executor-ms")
	b.ReportMetric(ms(time.Since(start)-looked), "look-digest-ms")
	start = time.Now()
	touchAll(st) // the dearest that tills may pay beside a walk: a copy of every page of persons
	b.ReportMetric(ms(time.Since(start)), "look-copies-ms")
	s.Thaw()
}

func touchAll(st *ledger.State) {
	for i := uint32(0); i < st.Persons.Len(); i += 1 << st.Persons.Shift() {
		st.Persons.Mut(i).Draws++
	}
}

func checkpoint(b *testing.B, s *Store, st *ledger.State, ids *IDs, sequence uint64, name string) {
	start, used := time.Now(), cpu()
	c, err := s.Begin(st, ids, Mark{Sequence: sequence})
	fail(b, err)
	begun := time.Since(start)
	<-c.Done()
	done := time.Since(start)
	fail(b, c.End())
	b.ReportMetric(ms(begun), name+"-executor-ms")
	b.ReportMetric(ms(done), name+"-background-ms")
	b.ReportMetric(ms(cpu()-used), name+"-cpu-ms")
	b.ReportMetric(float64(c.Stats().PageBytes)/1e6, name+"-MB")
}

func load(b *testing.B, dir, name string, o LoadOptions) {
	runtime.GC()
	start := time.Now()
	s, err := Open(dir, benchOptions())
	fail(b, err)
	_, l, err := s.Load(o)
	fail(b, err)
	b.ReportMetric(ms(time.Since(start)), name+"-ms")
	if l.Sequence != 3 {
		b.Fatalf("loaded %d", l.Sequence)
	}
	fail(b, s.Close())
}

func fail(b *testing.B, err error) {
	b.Helper()
	if err != nil {
		b.Fatal(err)
	}
}

// BenchmarkWriteRate writes journal blocks of 100 KB, with a checkpoint of all pages every 512 MB of them.
func BenchmarkWriteRate(b *testing.B) {
	st := province(*benchPersons)
	for range b.N {
		stalls := 0
		o := benchOptions()
		o.Events = Events{StallBegin: func(reason string) { stalls++ }}
		s, err := Open(b.TempDir()+"/state", o)
		fail(b, err)
		_, _, err = s.Load(LoadOptions{})
		fail(b, err)
		writeBlocks(b, s, st)
		b.ReportMetric(float64(stalls), "stalls")
		report(b, s.DB())
		fail(b, s.Close())
	}
}

func writeBlocks(b *testing.B, s *Store, st *ledger.State) {
	j := journal.New(s.DB(), 0)
	block := make([]byte, 100_000)
	r := rand.NewChaCha8([32]byte{})
	var c *Checkpoint
	var slowest time.Duration
	start, used, sequence := time.Now(), cpu(), uint64(0)
	for written := int64(0); written < *benchBytes; written += int64(len(block)) {
		_, _ = r.Read(block)
		if *benchRate > 0 {
			for time.Since(start) < time.Duration(written*int64(time.Second) / *benchRate) {
				runtime.Gosched()
			}
		}
		sequence++
		before := time.Now()
		fail(b, j.Write(sequence, block))
		slowest = max(slowest, time.Since(before))
		if written%(512<<20) < int64(len(block)) {
			if c != nil {
				fail(b, c.End())
			}
			touchAll(st)
			var err error
			c, err = s.Begin(st, nil, Mark{Sequence: sequence})
			fail(b, err)
		}
	}
	b.ReportMetric(float64(*benchBytes)/1e6/time.Since(start).Seconds(), "MB/s")
	b.ReportMetric(ms(cpu()-used)/(float64(*benchBytes)/1e6), "cpu-ms/MB")
	b.ReportMetric(ms(slowest), "slowest-write-ms")
	fail(b, c.End())
}

func report(b *testing.B, db *pebble.DB) {
	m := db.Metrics()
	total := m.Total()
	b.ReportMetric(float64(m.Compact.Count), "compactions")
	b.ReportMetric(float64(total.TableBytesCompacted+total.TableBytesFlushed)/float64(max(1, total.TableBytesFlushed)), "write-amp")
	b.Logf("\n%s", m)
}
