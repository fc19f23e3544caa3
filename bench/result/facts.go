package result

import (
	"fmt"
	"os"
	"path/filepath"
	"runtime"
	"runtime/debug"
	"slices"
	"strconv"
	"strings"
	"syscall"
	"time"
)

// modules on the path of a settlement: a report says their versions.
var modules = []string{"github.com/cockroachdb/pebble/v2", "github.com/valyala/fasthttp", "github.com/HdrHistogram/hdrhistogram-go"}

const (
	syncRounds = 200  // fdatasyncs for the median: 12 ms on a virtual flush, 0.4 s on a disk that takes 2 ms
	syncBytes  = 4096 // of each append: one page
)

// CollectFacts says what machine and build this is; dir is where the ledger will lie. It names no host, no user and no path.
func CollectFacts(version, dir string) (Facts, error) {
	f := Facts{Version: version, Go: runtime.Version(), Modules: map[string]string{}, OS: osName(), Kernel: firstLine("/proc/sys/kernel/osrelease"),
		CPU: field("/proc/cpuinfo", "model name"), Cores: runtime.NumCPU(), LoadBefore: loadAverage()}
	if info, ok := debug.ReadBuildInfo(); ok {
		for _, m := range info.Deps {
			if slices.Contains(modules, m.Path) {
				f.Modules[m.Path] = m.Version
			}
		}
	}
	if kib, err := strconv.ParseInt(strings.TrimSuffix(field("/proc/meminfo", "MemTotal"), " kB"), 10, 64); err == nil {
		f.MemoryByte = kib << 10
	}
	var fs syscall.Statfs_t
	if err := syscall.Statfs(dir, &fs); err != nil {
		return f, fmt.Errorf("facts: file system of the ledger's directory: %w", err)
	}
	f.Filesystem = filesystemName(int64(fs.Type))
	var err error
	f.SyncMicros, err = syncMicros(dir)
	return f, err
}

// osName is the distribution's name of itself.
func osName() string {
	name := strings.Trim(valueAfter("/etc/os-release", "PRETTY_NAME", "="), `"`)
	if name == "" {
		name = runtime.GOOS
	}
	return name + " " + runtime.GOARCH
}

// filesystems by the magic numbers of statfs(2).
var filesystems = map[int64]string{0xEF53: "ext4", 0x58465342: "xfs", 0x9123683E: "btrfs", 0x01021994: "tmpfs", 0x794C7630: "overlayfs", 0x2FC12FC1: "zfs", 0xF2F52010: "f2fs", 0x6969: "nfs"}

func filesystemName(magic int64) string {
	if name, ok := filesystems[magic]; ok {
		return name
	}
	return fmt.Sprintf("%#x", magic)
}

// syncMicros is the median time of one fdatasync of an append of a page.
func syncMicros(dir string) (micros float64, err error) {
	f, err := os.CreateTemp(dir, "sync-*")
	if err != nil {
		return 0, fmt.Errorf("facts: time a sync: %w", err)
	}
	defer func() { f.Close(); os.Remove(f.Name()) }()
	page := make([]byte, syncBytes)
	times := make([]time.Duration, 0, syncRounds)
	for range syncRounds {
		if _, err := f.Write(page); err != nil {
			return 0, fmt.Errorf("facts: time a sync: %w", err)
		}
		start := time.Now()
		if err := syscall.Fdatasync(int(f.Fd())); err != nil {
			return 0, fmt.Errorf("facts: time a sync: %w", err)
		}
		times = append(times, time.Since(start))
	}
	slices.Sort(times)
	return float64(times[len(times)/2].Nanoseconds()) / 1e3, nil
}

// loadAverage of the last minute: what else the machine does.
func loadAverage() float64 {
	first, _, _ := strings.Cut(firstLine("/proc/loadavg"), " ")
	n, _ := strconv.ParseFloat(first, 64)
	return n
}

func firstLine(path string) string {
	text, _ := os.ReadFile(filepath.Clean(path)) // absent on other systems: then there is no such fact
	line, _, _ := strings.Cut(string(text), "\n")
	return strings.TrimSpace(line)
}

func field(path, name string) string { return valueAfter(path, name, ":") }

// valueAfter is what stands behind the first name of a file of lines "name separator value".
func valueAfter(path, name, separator string) string {
	text, _ := os.ReadFile(filepath.Clean(path))
	for line := range strings.Lines(string(text)) {
		if key, value, ok := strings.Cut(line, separator); ok && strings.TrimSpace(key) == name {
			return strings.TrimSpace(value)
		}
	}
	return ""
}
