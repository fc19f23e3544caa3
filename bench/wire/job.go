package wire

import (
	"fmt"
	"time"

	"gongji/bench/result"
)

// Job is the part of a run that one process drives. Times of a run are its own clock's; Start is the machine's, so that processes begin together.
type Job struct {
	Server      string  `json:"server"` // host:port of the business listener
	Face        Face    `json:"face"`
	AnswerBytes int     `json:"answer_bytes,omitempty"` // Echo: of the answer's body
	Group       int     `json:"group,omitempty"`        // Batch: settlements a request
	Bills       Bills   `json:"bills"`
	From        int     `json:"from"` // template that is sent first; they are sent in turn
	Tag         string  `json:"tag"`  // tagLen characters that no other process of any run has
	Connections int     `json:"connections"`
	Pipeline    int     `json:"pipeline"`
	Rate        float64 `json:"rate,omitempty"` // open loop: requests a second of all processes; 0: closed loop
	Process     int     `json:"process"`        // of Processes, from 0: open loops take arrivals in turn
	Processes   int     `json:"processes"`
	Start       int64   `json:"start"` // unix ns; 0: when the connections are open
	Warm        int64   `json:"warm_ns"`
	For         int64   `json:"for_ns"`
}

// Outcome is what one process says of its job.
type Outcome struct {
	Tally
	Seconds   float64    `json:"seconds"` // measured
	Count     uint64     `json:"count"`   // requests answered inside them; open loop: intended inside them and answered
	CPU       float64    `json:"cpu_s"`   // of this process, meanwhile
	Intervals []Interval `json:"intervals"`
	Err       string     `json:"err,omitempty"`

	times []result.Histogram
	spans []span // what each process sent
}

// Interval is a quarter of a second of an outcome: of what was answered in it, or intended in it if the loop is open.
type Interval struct {
	Count uint64 `json:"count"`
	HDR   []byte `json:"hdr,omitempty"`
}

// IntervalLength of series: four points a second show a checkpoint, and a run of a minute has 240.
const IntervalLength = 250 * time.Millisecond

// Limits of a job. connectionsMax: of a generator, below the descriptors a process may have. pipelineMax: wrk's published echo figure uses 16.
const (
	connectionsMax = 4_096
	pipelineMax    = 256
	forMax         = 10 * time.Minute
)

func (j *Job) check() error {
	switch {
	case j.Connections < 1 || j.Connections > connectionsMax:
		return fmt.Errorf("wire: %d connections, must be 1 to %d", j.Connections, connectionsMax)
	case j.Pipeline < 1 || j.Pipeline > pipelineMax:
		return fmt.Errorf("wire: pipeline of %d, must be 1 to %d", j.Pipeline, pipelineMax)
	case j.For < 1 || j.For > int64(forMax) || j.Warm < 0 || j.Warm > int64(forMax):
		return fmt.Errorf("wire: a run of %v behind %v, must be at most %v", time.Duration(j.For), time.Duration(j.Warm), forMax)
	case len(j.Tag) != tagLen:
		return fmt.Errorf("wire: tag of %d characters, must have %d", len(j.Tag), tagLen)
	case j.Rate < 0 || j.Processes < 1 || j.Process < 0 || j.Process >= j.Processes || j.From < 0:
		return fmt.Errorf("wire: process %d of %d at %g a second from %d", j.Process, j.Processes, j.Rate, j.From)
	}
	return nil
}

// encode makes an outcome ready to be written: histograms that hold nothing are left out.
func (o *Outcome) encode() error {
	for i, h := range o.times {
		if o.Intervals[i].Count = h.Count(); o.Intervals[i].Count == 0 {
			continue
		}
		l, err := h.Latency(true)
		if err != nil {
			return err
		}
		o.Intervals[i].HDR = l.HDR
	}
	return nil
}

// merge adds the outcome of another process.
func (o *Outcome) merge(other *Outcome) error {
	o.Tally.add(&other.Tally)
	o.Seconds = max(o.Seconds, other.Seconds)
	o.Count += other.Count
	o.CPU += other.CPU
	for i, in := range other.Intervals {
		for len(o.times) <= i {
			o.times = append(o.times, result.NewHistogram())
		}
		if in.Count == 0 {
			continue
		}
		h, err := (&result.Latency{HDR: in.HDR}).Decode()
		if err != nil {
			return err
		}
		if h.Count() != in.Count {
			return fmt.Errorf("wire: an interval of %d times counts %d", in.Count, h.Count())
		}
		o.times[i].Merge(h)
	}
	return nil
}
