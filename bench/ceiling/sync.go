package ceiling

import (
	"errors"
	"os"
	"time"

	"gongji/bench/result"
)

// syncMost bounds the appends of one round: ten seconds on a disk of 2 ms.
const syncMost = 5_000

// Sync measures one record of one command appended to the bare log and waited for, one after the other: what no answer can be faster than. It is the case
// "ceiling/sync"; every round is a run.
func Sync(dir string, commandBytes, rounds int, lasting time.Duration) (c result.Case, err error) {
	c = result.Case{ID: "ceiling/sync", Name: "One record of one command, appended and synced", Kind: result.Ceiling, Unit: "records/s",
		Load: result.Load{Loop: "closed", Workers: 1, Group: 1}, Note: "The bare log, one record outstanding: the time from Append to durable."}
	for range rounds {
		run, err := syncRound(dir, commandBytes, lasting)
		if err != nil {
			return c, err
		}
		c.Runs = append(c.Runs, run)
	}
	return c, nil
}

func syncRound(dir string, commandBytes int, lasting time.Duration) (run result.Run, err error) {
	dir, err = os.MkdirTemp(dir, "ceiling-")
	if err != nil {
		return run, err
	}
	defer func() { err = errors.Join(err, os.RemoveAll(dir)) }()
	a, err := openLog(dir)
	if err != nil {
		return run, err
	}
	defer func() { err = errors.Join(err, a.Close()) }()
	payload := noise(commandBytes)
	h := result.NewHistogram()
	m := begin()
	for end := m.start.Add(lasting); h.Count() < syncMost && time.Now().Before(end); {
		start := time.Now()
		wait, err := a.Append(payload)
		if err == nil {
			err = wait()
		}
		if err != nil {
			return run, err
		}
		h.Record(time.Since(start))
	}
	m.end(&run)
	run.Count = h.Count()
	run.Rate = float64(run.Count) / run.Seconds
	run.Latency, err = h.Latency(true)
	return run, err
}
