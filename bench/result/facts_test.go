package result

import (
	"encoding/json"
	"os"
	"strings"
	"testing"
)

// TestFacts: the machine is described, and neither its name nor a path is in it.
func TestFacts(t *testing.T) {
	dir := t.TempDir()
	f, err := CollectFacts("v1", dir)
	if err != nil {
		t.Fatal(err)
	}
	if f.Version != "v1" || f.Cores < 1 || !strings.HasPrefix(f.Go, "go") || f.SyncMicros <= 0 || f.Filesystem == "" || f.MemoryByte < 1<<20 {
		t.Errorf("%+v", f)
	}
	text, err := json.Marshal(f)
	if err != nil {
		t.Fatal(err)
	}
	host, _ := os.Hostname()
	for _, private := range []string{host, dir, os.TempDir()} {
		if private != "" && strings.Contains(string(text), private) {
			t.Errorf("%q is in the facts", private)
		}
	}
	left, err := os.ReadDir(dir)
	if err != nil || len(left) != 0 {
		t.Errorf("left behind: %v, %v", left, err)
	}
	if _, err := CollectFacts("v1", dir+"/none"); err == nil {
		t.Error("a directory that is not there has a file system")
	}
	if filesystemName(0xEF53) != "ext4" || filesystemName(7) != "0x7" {
		t.Error("names of file systems")
	}
}

// TestQuantile: a merged histogram gives its quantiles.
func TestQuantile(t *testing.T) {
	h := NewHistogram()
	for i := 1; i <= 1000; i++ {
		h.RecordN(1000, 1)
	}
	h.Record(1_000_000)
	if q := h.At(0.5); q < 999 || q > 1001 {
		t.Errorf("median %d", q)
	}
	if q := h.At(1); q < 999_000 || q > 1_001_000 {
		t.Errorf("largest %d", q)
	}
}
