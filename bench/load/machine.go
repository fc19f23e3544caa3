package load

import (
	"bytes"
	"io/fs"
	"math"
	"os"
	"path/filepath"
	"runtime"
	"runtime/metrics"
	"strconv"
	"syscall"

	"gongji/bench/result"
)

// cpuSeconds is the CPU time the process has used: it tells more than the clock on a shared machine.
func cpuSeconds() float64 {
	var u syscall.Rusage
	if syscall.Getrusage(syscall.RUSAGE_SELF, &u) != nil {
		return 0
	}
	return float64(u.Utime.Nano()+u.Stime.Nano()) / 1e9
}

// residentBytes of the process, 0 where there is no /proc.
func residentBytes() int64 {
	text, err := os.ReadFile("/proc/self/statm")
	if err != nil {
		return 0
	}
	fields := bytes.Fields(text)
	if len(fields) < 2 {
		return 0
	}
	pages, _ := strconv.ParseInt(string(fields[1]), 10, 64)
	return pages * int64(os.Getpagesize())
}

// writtenBytes are what the process has had written to block devices, 0 where nobody tells.
func writtenBytes() int64 {
	text, err := os.ReadFile("/proc/self/io")
	if err != nil {
		return 0
	}
	for line := range bytes.Lines(text) {
		if value, ok := bytes.CutPrefix(line, []byte("write_bytes: ")); ok {
			n, _ := strconv.ParseInt(string(bytes.TrimSpace(value)), 10, 64)
			return n
		}
	}
	return 0
}

// bytesIn are those of all files of a directory. Files may vanish meanwhile.
func bytesIn(dir string) (n int64) {
	_ = filepath.WalkDir(dir, func(_ string, d fs.DirEntry, err error) error {
		if err == nil && !d.IsDir() {
			if info, err := d.Info(); err == nil {
				n += info.Size()
			}
		}
		return nil
	})
	return n
}

// liveHeap is what is reachable, after a collection.
func liveHeap() int64 {
	runtime.GC()
	runtime.GC()
	s := []metrics.Sample{{Name: "/memory/classes/heap/objects:bytes"}}
	metrics.Read(s)
	return int64(s[0].Value.Uint64())
}

// collector is the state of the garbage collector at one moment.
type collector struct {
	cycles     uint64
	cpu, total float64 // s
	pauses     metrics.Float64Histogram
}

const (
	metricPauses = "/sched/pauses/total/gc:seconds"
	metricCycles = "/gc/cycles/total:gc-cycles"
	metricGC     = "/cpu/classes/gc/total:cpu-seconds"
	metricIdle   = "/cpu/classes/idle:cpu-seconds"
	metricCPU    = "/cpu/classes/total:cpu-seconds"
)

func readCollector() (c collector) {
	s := []metrics.Sample{{Name: metricPauses}, {Name: metricCycles}, {Name: metricGC}, {Name: metricIdle}, {Name: metricCPU}}
	metrics.Read(s)
	h := s[0].Value.Float64Histogram()
	c.pauses = metrics.Float64Histogram{Counts: append([]uint64(nil), h.Counts...), Buckets: h.Buckets}
	c.cycles, c.cpu, c.total = s[1].Value.Uint64(), s[2].Value.Float64(), s[4].Value.Float64()-s[3].Value.Float64()
	return c
}

// memory of a run: what the process holds at its end, and what collecting cost since before.
func memory(before collector) *result.Memory {
	now := readCollector()
	m := &result.Memory{Process: residentBytes(), GCCount: uint32(now.cycles - before.cycles)}
	if now.total > before.total {
		m.GCCPU = (now.cpu - before.cpu) / (now.total - before.total)
	}
	total := uint64(0)
	for i := range now.pauses.Counts {
		now.pauses.Counts[i] -= before.pauses.Counts[i]
		total += now.pauses.Counts[i]
	}
	rank := uint64(0.99 * float64(max(total, 1)-1))
	for i, n := range now.pauses.Counts {
		if n == 0 {
			continue
		}
		end := now.pauses.Buckets[i+1]
		if math.IsInf(end, 1) {
			end = now.pauses.Buckets[i]
		}
		if m.GCPauseMX = end * 1e6; rank < n && m.GCPause99 == 0 {
			m.GCPause99 = end * 1e6
		}
		rank -= min(rank, n)
	}
	return m
}
