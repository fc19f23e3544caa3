package ceiling

import (
	"fmt"
	"os"
	"strings"
	"syscall"
	"time"

	"gongji/bench/result"
)

// meter measures a stretch of a run.
type meter struct {
	start   time.Time
	cpu     float64
	written int64 // by the process to block devices: until end, the count before
}

func begin() *meter { return &meter{time.Now(), cpuSeconds(), bytesWritten()} }

func (m *meter) end(run *result.Run) {
	run.Seconds, run.CPU, m.written = time.Since(m.start).Seconds(), cpuSeconds()-m.cpu, bytesWritten()-m.written
}

// cpuSeconds is the user and system time of the process.
func cpuSeconds() float64 {
	var u syscall.Rusage
	if syscall.Getrusage(syscall.RUSAGE_SELF, &u) != nil {
		return 0
	}
	return float64(u.Utime.Nano()+u.Stime.Nano()) / 1e9
}

// bytesWritten is what the process sent to block devices, 0 where the kernel does not say.
func bytesWritten() (n int64) {
	text, _ := os.ReadFile("/proc/self/io")
	for line := range strings.Lines(string(text)) {
		if _, err := fmt.Sscanf(line, "write_bytes: %d", &n); err == nil {
			return n
		}
	}
	return 0
}
