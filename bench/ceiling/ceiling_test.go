package ceiling

import (
	"os"
	"testing"
	"time"

	"go.uber.org/goleak"

	"gongji/bench/load"
	"gongji/bench/result"
	"gongji/wal/pebblelog"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

func check(t *testing.T, dir string, cases []result.Case, runs int, ids ...string) {
	t.Helper()
	for i := range cases {
		c := &cases[i]
		if c.ID != ids[i] || len(c.Runs) != runs || c.Kind != result.Ceiling || c.Note == "" {
			t.Fatalf("case %d: %+v", i, c)
		}
		for k := range c.Runs {
			r := &c.Runs[k]
			if r.Count == 0 || r.Rate <= 0 || r.Seconds <= 0 || r.Latency == nil || r.Latency.P50 <= 0 || len(r.Latency.HDR) == 0 || len(r.Breaches) > 0 {
				t.Errorf("%s run %d: %+v", c.ID, k, r)
			}
		}
	}
	if len(cases) != len(ids) {
		t.Fatalf("%d cases", len(cases))
	}
	if left, err := os.ReadDir(dir); err != nil || len(left) != 0 {
		t.Errorf("left behind: %v, %v", left, err)
	}
}

// TestLogs: log and segment file make everything durable that is counted, and nothing stays behind.
func TestLogs(t *testing.T) {
	dir := t.TempDir()
	l := NewLogs(dir, LogPlan{CommandBytes: 100, Batches: []int{8, 64}, For: 20 * time.Millisecond})
	for range 2 {
		if err := l.Round(); err != nil {
			t.Fatal(err)
		}
	}
	cases := l.Cases()
	check(t, dir, cases, 2, "ceiling/log", "ceiling/segment")
	for _, c := range cases {
		if c.Load.Group != 64 && c.Load.Group != 8 || c.Runs[0].Disk.Commands != int64(c.Runs[0].Count)*100 {
			t.Errorf("%+v", c)
		}
	}
}

// TestDriven: what drive counts is in the log when it is opened again.
func TestDriven(t *testing.T) {
	dir := t.TempDir()
	a, err := openLog(dir)
	if err != nil {
		t.Fatal(err)
	}
	run, err := drive(a, noise(1<<20), 10, 10*time.Millisecond)
	if err != nil {
		t.Fatal(err)
	}
	if err := a.Close(); err != nil {
		t.Fatal(err)
	}
	log, err := pebblelog.Open(dir+"/log", pebblelog.Options{Identity: identity, OnFatal: func(error) {}})
	if err != nil {
		t.Fatal(err)
	}
	if n := log.Committed() * 10; n < run.Count || run.Count == 0 {
		t.Errorf("%d commands counted, %d in the log", run.Count, n)
	}
	if err := log.Close(); err != nil {
		t.Fatal(err)
	}
}

// TestSync: single appends are measured one by one.
func TestSync(t *testing.T) {
	dir := t.TempDir()
	c, err := Sync(dir, 100, 2, 10*time.Millisecond)
	if err != nil {
		t.Fatal(err)
	}
	check(t, dir, []result.Case{c}, 2, "ceiling/sync")
}

// TestMemory: both executors run the world's settlements, none refused, and the sharded one finds commands that are contested.
func TestMemory(t *testing.T) {
	dir := t.TempDir()
	w := load.NewWorld(2000)
	m, err := NewMemory(dir, w, load.DefaultMix, 2)
	if err != nil {
		t.Fatal(err)
	}
	for range 2 {
		if err := m.Round(time.Millisecond); err != nil {
			t.Fatal(err)
		}
	}
	cases := m.Cases()
	if err := m.Close(); err != nil {
		t.Fatal(err)
	}
	check(t, dir, cases, 2, "ceiling/memory", "ceiling/memory-sharded")
	if cases[1].Runs[0].Mix.Contested == 0 || len(cases[0].Runs[0].Stages) != 2 {
		t.Errorf("%+v", cases)
	}
	if n := CommandBytes(w, load.DefaultMix); n < 60 || n > 200 {
		t.Errorf("%d bytes a command", n)
	}
}

// TestFailures: a place that is not there is told.
func TestFailures(t *testing.T) {
	none := t.TempDir() + "/none"
	if err := NewLogs(none, LogPlan{}).Round(); err == nil {
		t.Error("logs written nowhere")
	}
	if _, err := Sync(none, 1, 1, time.Millisecond); err == nil {
		t.Error("synced nowhere")
	}
	if _, err := NewMemory(none, load.NewWorld(10), load.DefaultMix, 1); err == nil {
		t.Error("loaded nowhere")
	}
}
