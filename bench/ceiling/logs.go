package ceiling

import (
	"errors"
	"fmt"
	"math/rand/v2"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"time"

	"gongji/bench/result"
	"gongji/wal"
	"gongji/wal/pebblelog"
)

// Defaults of a LogPlan.
const (
	commandBytesDefault = 128 // about an encoded settlement; Commands gives the true mean of a stream
	logForDefault       = time.Second
	// warmBytes are written before the clock runs: more than one segment of 64 MiB, so that a rotation is behind.
	warmBytes = 80 << 20
	warmMost  = 500 * time.Millisecond // on a slow disk, or half of the measured time
)

// batchesDefault are the batch sizes among which the best is looked for: half of what the sequencer cuts at least, the format's limit at most.
var batchesDefault = []int{512, 1024, 2048, 4096}

// LogPlan says what the bare log and the segment file are given. The zero value is usable.
type LogPlan struct {
	CommandBytes int           // of one encoded command; 0: 128
	Batches      []int         // commands a batch, to be tried all; nil: 512, 1024, 2048, 4096
	For          time.Duration // measured time of one size; 0: 1 s
}

func (p LogPlan) withDefaults() LogPlan {
	if p.CommandBytes == 0 {
		p.CommandBytes = commandBytesDefault
	}
	if p.Batches == nil {
		p.Batches = batchesDefault
	}
	if p.For == 0 {
		p.For = logForDefault
	}
	return p
}

// Logs compares the bare log with a plain segment file, in turns, round by round; so rounds of something else can lie between them.
type Logs struct {
	dir  string
	plan LogPlan
	runs [2][][]result.Run // of log and file, by size, by round
}

// NewLogs measures in a directory of its own below dir, on the disk where the ledger would lie.
func NewLogs(dir string, p LogPlan) *Logs {
	l := &Logs{dir: dir, plan: p.withDefaults()}
	for k := range l.runs {
		l.runs[k] = make([][]result.Run, len(l.plan.Batches))
	}
	return l
}

// Round measures log and file once at each size; who goes first changes.
func (l *Logs) Round() error {
	for i, commands := range l.plan.Batches {
		turn := len(l.runs[0][i])
		for k := range 2 {
			which := (k + turn) % 2
			run, err := l.measure(which, commands)
			if err != nil {
				return fmt.Errorf("ceiling %s, %d commands a batch: %w", []string{"log", "segment"}[which], commands, err)
			}
			l.runs[which][i] = append(l.runs[which][i], run)
		}
	}
	return nil
}

// Cases are "ceiling/log" and "ceiling/segment" at the size whose median rate is highest, all sizes in their notes.
func (l *Logs) Cases() []result.Case {
	return []result.Case{
		l.of(0, result.Case{ID: "ceiling/log", Name: "The bare log at its best batch size"}, "Records are batches; a rate counts the commands in them."),
		l.of(1, result.Case{ID: "ceiling/segment", Name: "A plain preallocated segment file, same record bytes"}, "Write, and fdatasync for all that wait; no rotation's safety, recovery or reading."),
	}
}

func (l *Logs) of(which int, c result.Case, about string) result.Case {
	c.Kind, c.Unit = result.Ceiling, "records/s"
	notes := []string{about, fmt.Sprintf("%d bytes a command, %d batches outstanding.", l.plan.CommandBytes, wal.AppendsOutstandingMax)}
	best, highest := 0, -1.0
	for i, commands := range l.plan.Batches {
		rate := (&result.Case{Runs: l.runs[which][i]}).Rate()
		notes = append(notes, fmt.Sprintf("%d a batch: %.0f/s.", commands, rate))
		if rate > highest {
			best, highest = i, rate
		}
	}
	c.Runs, c.Note = slices.Clone(l.runs[which][best]), strings.Join(notes, " ")
	c.Load = result.Load{Loop: "closed", Workers: 1, Group: l.plan.Batches[best], Pipeline: wal.AppendsOutstandingMax}
	return c
}

// appender is the part of a log that both have. Append may be called while earlier waits go on; its wait is called once.
type appender interface {
	Append(payload []byte) (wait func() error, err error)
	Close() error
}

type pebble struct{ log *pebblelog.Log }

func (p pebble) Append(payload []byte) (func() error, error) {
	c, err := p.log.Append(payload)
	if err != nil {
		return nil, err
	}
	return c.Wait, nil
}

func (p pebble) Close() error { return p.log.Close() }

var identity = wal.Identity{Ledger: wal.ID{1}, Directory: wal.ID{2}}

// openLog is the engine's log with the engine's settings.
func openLog(dir string) (appender, error) {
	failed := func(error) {} // Append and Wait say it
	l, err := pebblelog.Open(filepath.Join(dir, "log"), pebblelog.Options{Identity: identity, Create: true, OnFatal: failed})
	if err != nil {
		return nil, err
	}
	return pebble{l}, nil
}

func (l *Logs) measure(which, commands int) (run result.Run, err error) {
	dir, err := os.MkdirTemp(l.dir, "ceiling-")
	if err != nil {
		return run, err
	}
	defer func() { err = errors.Join(err, os.RemoveAll(dir)) }()
	open := []func(string) (appender, error){openLog, openSegment}[which]
	a, err := open(dir)
	if err != nil {
		return run, err
	}
	payload := noise(commands * l.plan.CommandBytes)
	run, err = drive(a, payload, commands, l.plan.For)
	return run, errors.Join(err, a.Close())
}

// noise does not compress and repeats.
func noise(n int) []byte {
	rng := rand.New(rand.NewPCG(1, 2))
	b := make([]byte, n)
	for i := range b {
		b[i] = byte(rng.Uint32())
	}
	return b
}

// drive appends as the sequencer does and waits as the executor does, on two goroutines. Counted is what was durable inside the measured time.
func drive(a appender, payload []byte, commands int, lasting time.Duration) (run result.Run, err error) {
	if err := appendFor(a, payload, min(warmMost, lasting/2), warmBytes/len(payload), nil); err != nil {
		return run, err
	}
	h := result.NewHistogram()
	m := begin()
	if err := appendFor(a, payload, lasting, 1<<30, func(d time.Duration) { h.Record(d) }); err != nil {
		return run, err
	}
	m.end(&run)
	run.Count = h.Count() * uint64(commands)
	run.Rate = float64(run.Count) / run.Seconds
	run.Disk = &result.Disk{Device: m.written, Commands: int64(h.Count()) * int64(len(payload))}
	run.Latency, err = h.Latency(true)
	return run, err
}

type staged struct {
	wait func() error
	at   time.Time
}

// appendFor appends until the time is over or most are appended, and returns when all are durable.
func appendFor(a appender, payload []byte, lasting time.Duration, most int, durable func(time.Duration)) error {
	waiting := make(chan staged, wal.AppendsOutstandingMax)
	failed := make(chan error, 1)
	go func() {
		var first error
		for s := range waiting {
			if err := s.wait(); err != nil {
				first = errors.Join(first, err)
			} else if durable != nil {
				durable(time.Since(s.at))
			}
		}
		failed <- first
	}()
	end := time.Now().Add(lasting)
	var err error
	for n := 0; n < most && err == nil; n++ {
		at := time.Now()
		if at.After(end) {
			break
		}
		var wait func() error
		if wait, err = a.Append(payload); err == nil {
			waiting <- staged{wait, at}
		}
	}
	close(waiting)
	return errors.Join(err, <-failed)
}
