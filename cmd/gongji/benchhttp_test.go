package main

import (
	"context"
	"os"
	"strings"
	"testing"
	"time"

	"gongji/bench/result"
	"gongji/bench/wire"
)

// TestBenchHTTP: the harness on a small server of its own: every face answers rightly, the books agree, the directory goes away. It asserts nothing
// about speed.
func TestBenchHTTP(t *testing.T) {
	dir := t.TempDir()
	b := &benchHTTPCmd{Seed: 1, Persons: 3000, Connections: []int{4}, Wide: 8, Pipeline: 4, Group: 50, BatchConnections: 2, Processes: 2, Runs: 1, Dir: dir,
		Warm: 20 * time.Millisecond, For: 500 * time.Millisecond, Drift: 1,
		Parts: []wire.Part{wire.Closed, wire.Pipelined, wire.Open, wire.Batched, wire.Purchases},
		command: func(args ...string) (line, env []string, err error) {
			return []string{os.Args[0]}, []string{serveArgs + "=" + strings.Join(args, "\n")}, nil
		}}
	t.Setenv("PATH", "") // no wrk: its shortest run is a second
	r, err := b.measure(context.Background())
	if err != nil {
		t.Fatal(err)
	}
	for _, id := range []string{"http/settlements/closed", "http/settlements/pipelined", "http/settlements/open-half", "http/batch", "ceiling/echo-nhsa/4", "nhsa/2102/4", "nhsa/2102/closed"} {
		c := r.Find(id)
		if c == nil || len(c.Runs) != 1 || c.Runs[0].Count == 0 || c.Runs[0].Latency == nil || len(c.Runs[0].Series) == 0 {
			t.Fatalf("%s: %+v", id, c)
		}
		run := &c.Runs[0]
		if c.Kind != result.Ceiling && (run.Mix == nil || run.Mix.Relatives == 0 || run.Mix.Postings == 0 || run.Batches == nil || run.Disk == nil || run.Disk.Ledger == 0) {
			t.Errorf("%s: %+v", id, run)
		}
		for _, text := range run.Breaches {
			if !strings.Contains(text, "at opening balances") && !strings.Contains(text, "postings a settlement") { // half a second of batches drains 3,000 persons
				t.Errorf("%s: %s", id, text)
			}
		}
	}
	if c := r.Find("nhsa/2102/4"); len(c.Ceilings) != 1 || r.Find(c.Ceilings[0].ID) == nil {
		t.Errorf("ceilings %v", c.Ceilings)
	}
	if len(r.Notes) != 1 || !strings.Contains(r.Notes[0], "wrk") {
		t.Errorf("notes %q", r.Notes)
	}
	if list, err := os.ReadDir(dir); err != nil || len(list) != 0 {
		t.Errorf("left behind: %v, %v", list, err)
	}
}
