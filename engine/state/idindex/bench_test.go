package idindex

import (
	"flag"
	"os"
	"syscall"
	"testing"
	"time"

	"github.com/cockroachdb/pebble/v2"
	"github.com/cockroachdb/pebble/v2/sstable"
)

// Settings of the benchmarks, to try others without editing.
var (
	benchIDs     = flag.Int("bench-ids", 20_000_000, "ids inserted by BenchmarkInsertAbsent")
	benchBlock   = flag.Int("bench-block", 0, "BlockEntries")
	benchFanIn   = flag.Int("bench-fanin", 0, "FanIn")
	benchParts   = flag.Int("bench-parts", 0, "Parts")
	benchTable   = flag.Int("bench-capacity", 0, "Capacity")
	benchSnappy  = flag.Bool("bench-snappy", false, "compress the store's blocks")
	benchMem     = flag.Uint64("bench-memtable", 64<<20, "memtable bytes")
	benchNoFetch = flag.Bool("bench-nofetch", false, "leave the Maybes unresolved")
)

// benchStore opens a store in a temporary directory of the real file system, as the engine would.
func benchStore(b *testing.B) *pebble.DB {
	cache := pebble.NewCache(64 << 20)
	defer cache.Unref()
	o := &pebble.Options{DisableWAL: true, MemTableSize: *benchMem, Cache: cache, Logger: quiet{}}
	if !*benchSnappy {
		o.ApplyCompressionSettings(func() pebble.DBCompressionSettings {
			return pebble.UniformDBCompressionSettings(sstable.NoCompression)
		})
	}
	db, err := pebble.Open(b.TempDir(), o)
	if err != nil {
		b.Fatal(err)
	}
	return db
}

// benchKey is a cheap uniform key (splitmix64), so that the benchmark does not measure a hash.
func benchKey(i uint64) (key Key) {
	return testKey(i)
}

func cpuTime() time.Duration {
	var u syscall.Rusage
	if err := syscall.Getrusage(syscall.RUSAGE_SELF, &u); err != nil {
		panic(err)
	}
	return time.Duration(u.Utime.Nano() + u.Stime.Nano())
}

// BenchmarkInsertAbsent is the whole life of an id: Find says absent (or Maybe, then Fetch), Insert, sealing, merging, and all that the
// store does. One operation is -bench-ids ids; CPU time is that of the whole process.
func BenchmarkInsertAbsent(b *testing.B) {
	for range b.N {
		b.StopTimer()
		db := benchStore(b)
		ix, err := Open(db, nil, Options{BlockEntries: *benchBlock, FanIn: *benchFanIn, Capacity: *benchTable, RunsMax: 256, Parts: *benchParts})
		if err != nil {
			b.Fatal(err)
		}
		b.StartTimer()
		cpu, wall := cpuTime(), time.Now()
		insertAbsent(b, ix, *benchIDs)
		ownerWall := time.Since(wall)
		ix.drain()
		if err := db.Flush(); err != nil {
			b.Fatal(err)
		}
		cpu = cpuTime() - cpu
		n := float64(*benchIDs)
		b.ReportMetric(float64(cpu.Nanoseconds())/n, "cpu-ns/id")
		b.ReportMetric(float64(ownerWall.Nanoseconds())/n, "owner-ns/id")
		b.ReportMetric(float64(time.Since(wall).Nanoseconds())/n, "wall-ns/id")
		s := ix.Stats()
		b.ReportMetric(float64(s.MergedEntries)/n, "merges/id")
		b.ReportMetric(float64(s.FetchedBlocks)*1e6/n, "fetched-ppm")
		b.ReportMetric(float64(s.Runs), "runs")
		b.ReportMetric(float64(s.SealWaits), "waits")
		b.StopTimer()
		m := db.Metrics()
		b.Logf("%+v, store wrote %d MB flushed, %d MB compacted", s, m.Levels[0].TableBytesFlushed>>20, m.Total().TableBytesCompacted>>20)
		if err := ix.Close(); err != nil {
			b.Fatal(err)
		}
		if err := db.Close(); err != nil {
			b.Fatal(err)
		}
	}
}

// insertAbsent inserts n new ids in batches of 2048, as the engine does.
func insertAbsent(b *testing.B, ix *Index, n int) {
	const batch, ahead = 2048, 64
	keys, maybes, verdicts := make([]Key, 0, batch), make([]Key, 0, batch), make([]Verdict, batch)
	entries, found := make([]Entry, batch), make([]bool, batch)
	for start := 0; start < n; start += batch {
		end := min(start+batch, n)
		keys, maybes = keys[:0], maybes[:0]
		for i := start; i < end; i++ {
			keys = append(keys, benchKey(uint64(i)))
		}
		ix.FindOlder(keys, entries, verdicts)
		for i, verdict := range verdicts[:len(keys)] {
			switch verdict {
			case Present:
				b.Fatalf("id %d is there", start+i)
			case Maybe:
				maybes = append(maybes, keys[i])
			}
		}
		if len(maybes) > 0 && !*benchNoFetch {
			if err := ix.Fetch(maybes, entries, found); err != nil {
				b.Fatal(err)
			}
		}
		for i := start; i < end; i++ {
			if at := i - start; at%ahead == 0 {
				for j := at; j < min(at+ahead, len(keys)); j++ {
					ix.Ahead(&keys[j])
				}
			}
			if _, _, found, err := ix.Claim(&keys[i-start], uint64(i), uint64(i)); found || err != nil {
				b.Fatal(found, err)
			}
		}
		if _, err := ix.Advance(); err != nil {
			b.Fatal(err)
		}
	}
}

// BenchmarkFetch reads ids that lie in runs, 64 a call, after 8 M insertions; one operation is one id.
func BenchmarkFetch(b *testing.B) {
	db := benchStore(b)
	ix, err := Open(db, nil, Options{BlockEntries: *benchBlock})
	if err != nil {
		b.Fatal(err)
	}
	const ids = 8 << 20
	insertAbsent(b, ix, ids)
	if _, err := ix.Seal(); err != nil {
		b.Fatal(err)
	}
	ix.drain()
	keys, entries, found := make([]Key, 64), make([]Entry, 64), make([]bool, 64)
	b.ResetTimer()
	for i := 0; i < b.N; i += len(keys) {
		for j := range keys {
			keys[j] = benchKey(uint64(i+j) * 2654435761 % ids)
		}
		if err := ix.Fetch(keys, entries, found); err != nil {
			b.Fatal(err)
		}
	}
	b.StopTimer()
	if !found[0] {
		b.Fatal("not found")
	}
	if err := ix.Close(); err != nil {
		b.Fatal(err)
	}
	if err := db.Close(); err != nil {
		b.Fatal(err)
	}
}

func TestMain(m *testing.M) {
	flag.Parse()
	os.Exit(verifyLeaks(m))
}
