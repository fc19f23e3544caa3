package peers

import (
	"bytes"
	"context"
	_ "embed"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"
	"time"

	"gongji/bench/result"
)

// wrkScript makes the bills of a walk a thread.
//
//go:embed wrk.lua
var wrkScript string

const (
	wrkThreads = 2 // as pgbenchThreads
	// wrkTimeout: slow answers belong into the latencies, not among the broken connections (wrk's own is 2 s).
	wrkTimeout = "30s"
	// batchLines is the most that a batch call takes (api.md).
	batchLines          = 1_000
	batchConnectionsMax = 64
)

// wrkProgram is wrk with its script and the file of identity numbers, in a directory.
type wrkProgram struct{ path, script, numbers string }

func prepareWrk(path, dir string, w *World) (wrkProgram, error) {
	p := wrkProgram{path, filepath.Join(dir, "wrk.lua"), filepath.Join(dir, "numbers")}
	numbers := make([]byte, 0, w.Persons()*certnoBytes)
	for i := range w.Persons() {
		numbers = AppendCertno(numbers, i)
	}
	script := sqlConstants.Replace(strings.ReplaceAll(wrkScript, "{{area}}", area))
	return p, errors.Join(os.WriteFile(p.script, []byte(script), 0o600), os.WriteFile(p.numbers, numbers, 0o600))
}

// measured puts a load beside its feeder and takes the server's counters and time around it. load counts the settlements answered itself; at most cutOff
// more may be in the ledger, of requests that it did not wait for.
func (s *server) measured(ctx context.Context, f *feeder, cutOff int, load func() (result.Run, error)) (result.Run, error) {
	before, err := s.counters()
	if err != nil {
		return result.Run{}, err
	}
	cpu, err := processSeconds(s.cmd.Process.Pid)
	if err != nil {
		return result.Run{}, err
	}
	if f.bills == nil { // of walks whose pace only the server knows, together
		f.bills = func() ([]int, error) {
			c, err := s.counters()
			steps := make([]int, len(f.walks))
			for i := range steps {
				steps[i] = int(c.settlements-before.settlements) / len(steps)
			}
			return steps, err
		}
	}
	var stop atomic.Bool
	fed := make(chan error, 1)
	go func() { fed <- f.feed(ctx, &stop) }()
	run, err := load()
	used, err2 := processSeconds(s.cmd.Process.Pid)
	stop.Store(true)
	err = errors.Join(err, err2, <-fed)
	if err != nil {
		return run, err
	}
	after, err := s.counters()
	run.CPU = used - cpu
	n := float64(max(1, after.settlements-before.settlements))
	run.Mix = &result.Mix{Postings: float64(after.postings-before.postings) / n, Relatives: float64(after.relatives-before.relatives) / n, AllCash: float64(after.cash-before.cash) / n,
		Calls: map[string]uint64{"credit": uint64(f.credits)}}
	if settled := after.settlements - before.settlements; settled < run.Count || settled > run.Count+uint64(cutOff) {
		run.Breaches = append(run.Breaches, fmt.Sprintf("%d settlements answered, %d in the ledger", run.Count, settled))
	}
	return run, err
}

// single drives POST /v1/settlements with wrk, one settlement a request, no pipelining.
func (s *server) single(ctx context.Context, p wrkProgram, w *World, runID string, number, connections, seconds int) (result.Run, error) {
	seed := w.seed + uint64(number)
	walks := make([]*Walk, wrkThreads)
	for i := range walks {
		walks[i] = w.NewWalk(seed, i, wrkThreads)
	}
	f := &feeder{server: s, run: runID, walks: walks}
	return s.measured(ctx, f, connections, func() (result.Run, error) {
		cmd := exec.CommandContext(ctx, p.path, "-t"+strconv.Itoa(wrkThreads), "-c"+strconv.Itoa(connections), "-d"+strconv.Itoa(seconds)+"s", "--timeout", wrkTimeout, "-s", p.script, s.business+"/v1/settlements", "--",
			p.numbers, runID, strconv.Itoa(wrkThreads), strconv.Itoa(w.blocks), strconv.Itoa(walks[0].thin0), strconv.FormatUint(seed%1_000_000, 10))
		out, err := cmd.CombinedOutput()
		if err != nil {
			return result.Run{}, fmt.Errorf("wrk: %w\n%s", err, out)
		}
		return parseWrk(string(out))
	})
}

var wrkFigures = regexp.MustCompile(`(?m)^figures ((?:[0-9]+ ?){11})$`)

// parseWrk reads what wrk.lua prints: requests, us, socket errors, wrong statuses, then latencies in us.
func parseWrk(out string) (result.Run, error) {
	m := wrkFigures.FindStringSubmatch(out)
	if m == nil {
		return result.Run{}, fmt.Errorf("wrk's output is not understood: %s", out)
	}
	var v [11]float64
	for i, text := range strings.Fields(m[1]) {
		n, err := strconv.ParseUint(text, 10, 63)
		if err != nil {
			return result.Run{}, fmt.Errorf("wrk's output is not understood: %w", err)
		}
		v[i] = float64(n)
	}
	r := result.Run{Seconds: v[1] / 1e6, Count: uint64(v[0]), Rate: v[0] / max(v[1]/1e6, 1e-6),
		Latency: &result.Latency{Count: uint64(v[0]), P50: v[4], P90: v[5], P99: v[6], P999: v[7], P9999: v[8], Mean: v[9], Max: v[10]}}
	r.Latency.Count = r.Count
	if v[2] != 0 || v[3] != 0 {
		r.Breaches = append(r.Breaches, fmt.Sprintf("%.0f broken connections, %.0f answers that were not 200", v[2], v[3]))
	}
	return r, nil
}

// batch drives POST /v1/settlements/batch with 1,000 settlements a request from this process, and checks every verdict.
func (s *server) batch(ctx context.Context, w *World, runID string, number, connections, seconds int) (result.Run, error) {
	seed := w.seed + uint64(number)
	callers := make([]*batchCaller, connections)
	walks := make([]*Walk, connections)
	for i := range callers {
		callers[i] = &batchCaller{server: s, walk: w.NewWalk(seed, i, connections), run: runID, number: i, latencies: result.NewHistogram()}
		walks[i] = w.NewWalk(seed, i, connections) // the feeder's own
	}
	f := &feeder{server: s, run: runID, walks: walks, bills: func() ([]int, error) {
		steps := make([]int, connections)
		for i, c := range callers {
			steps[i] = int(c.settled.Load())
		}
		return steps, nil
	}}
	return s.measured(ctx, f, 0, func() (result.Run, error) { return driveBatches(ctx, callers, time.Duration(seconds)*time.Second) })
}

func driveBatches(ctx context.Context, callers []*batchCaller, duration time.Duration) (result.Run, error) {
	var wg sync.WaitGroup
	errs := make([]error, len(callers))
	start := time.Now()
	end := start.Add(duration)
	for i, c := range callers {
		wg.Go(func() {
			for errs[i] == nil && ctx.Err() == nil && time.Now().Before(end) {
				errs[i] = c.once()
			}
		})
	}
	wg.Wait()
	r := result.Run{Seconds: time.Since(start).Seconds()}
	h := result.NewHistogram()
	for _, c := range callers {
		r.Count += uint64(c.settled.Load())
		h.Merge(c.latencies)
	}
	r.Rate = float64(r.Count) / r.Seconds
	var err error
	r.Latency, err = h.Latency(true)
	return r, errors.Join(append(errs, err, ctx.Err())...)
}

// batchCaller is one connection: it sends a batch and waits for the verdicts.
type batchCaller struct {
	server    *server
	walk      *Walk
	run       string
	number    int
	settled   atomic.Int64
	latencies result.Histogram // of whole batches
	body, id  []byte
}

var (
	settledLine  = []byte(`"status":200`)
	replayedLine = []byte(`"replayed"`)
)

func (c *batchCaller) once() error {
	c.body = c.body[:0]
	for range batchLines {
		n := c.walk.step
		c.id = AppendMsgid(c.id[:0], c.run, c.number, n)
		c.body = append(AppendSettlement(c.body, c.id, c.walk.Next()), '\n')
	}
	start := time.Now()
	answer, err := c.server.post(c.server.business+"/v1/settlements/batch", mediaNDJSON, c.body)
	if err != nil {
		return err
	}
	c.latencies.Record(time.Since(start))
	if n := bytes.Count(answer, settledLine); n != batchLines || bytes.Contains(answer, replayedLine) {
		return fmt.Errorf("%d of %d were settled, the answer begins with %.300s", n, batchLines, answer)
	}
	c.settled.Add(batchLines)
	return nil
}
