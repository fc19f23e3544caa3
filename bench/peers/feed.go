package peers

import (
	"context"
	"encoding/json"
	"fmt"
	"sync/atomic"
	"time"
)

const (
	// feedEvery is how long the feeder waits when less than feedLines are due: thin persons come again after a lap, seconds later at the least.
	feedEvery = 50 * time.Millisecond
	feedLines = 4_096 // a chunk of the server's (api.md)
	// A credit run gives a person one credit a source and period (R26), so each load of the feeder is a run with a period of its own.
	feedFirstYear = 2000
	feedRunsMax   = 12 * 7_000
)

// feeder sends the credits that belong to the bills the server has settled, as bulk loads on the admin listener beside the measured load.
type feeder struct {
	server *server
	run    string // of message ids and runs
	walks  []*Walk
	bills  func() ([]int, error) // settled of each walk

	credits int
	buf     []Credit
	body    []byte
}

// feed goes on until stop is set, then once more for what was settled last.
func (f *feeder) feed(ctx context.Context, stop *atomic.Bool) error {
	for {
		last := stop.Load()
		if err := f.once(last); err != nil {
			return fmt.Errorf("credits: %w", err)
		}
		if last {
			return nil
		}
		select {
		case <-ctx.Done():
			return ctx.Err()
		case <-time.After(feedEvery):
		}
	}
}

// once sends what is due: whole chunks, at the end all.
func (f *feeder) once(all bool) error {
	steps, err := f.bills()
	if err != nil {
		return err
	}
	for i, w := range f.walks {
		f.buf = w.AppendCreditsUpTo(f.buf, steps[i])
	}
	for len(f.buf) >= feedLines || all && len(f.buf) > 0 {
		n := min(len(f.buf), feedLines)
		if err := f.load(f.buf[:n]); err != nil {
			return err
		}
		f.buf = f.buf[:copy(f.buf, f.buf[n:])]
	}
	return nil
}

// load sends one run. A person who is in it twice gets the first credit only, as laps that meet are rare.
func (f *feeder) load(credits []Credit) error {
	n := f.server.place.runs
	if f.server.place.runs++; n == feedRunsMax {
		return fmt.Errorf("%d runs: no period is left", n)
	}
	id, sum := fmt.Sprintf("%s-%d", f.run, n), int64(0)
	f.body = f.body[:0]
	for i, c := range credits {
		f.body = append(appendRunLine(f.body, id, i, c), '\n')
		sum += c.Fen
	}
	head := fmt.Sprintf(`{"run_id":%q,"source":"contribution","period":"%d","count":%d,"amount":"%s"}`, id, (feedFirstYear+n/12)*100+n%12+1, len(credits), appendYuan(nil, sum))
	if _, err := f.server.post(f.server.admin+"/v1/credit-runs", mediaJSON, []byte(head)); err != nil {
		return err
	}
	answer, err := f.server.post(f.server.admin+"/v1/credit-runs/"+id+"/lines", mediaNDJSON, f.body)
	if err != nil {
		return err
	}
	var out struct{ Lines, Accepted int }
	if err := json.Unmarshal(answer, &out); err != nil {
		return err
	}
	if out.Lines != len(credits) || out.Accepted < len(credits)*9/10 {
		return fmt.Errorf("%d credits sent: %.300s", len(credits), answer)
	}
	f.credits += out.Accepted
	return nil
}
