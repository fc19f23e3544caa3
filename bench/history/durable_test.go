package history

import (
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"math/rand/v2"
	"sync"
	"sync/atomic"
	"testing"

	"github.com/cockroachdb/pebble/v2/vfs"

	"gongji/api/ids"
	"gongji/bench/proof"
	"gongji/engine"
	"gongji/engine/ledger"
	"gongji/wal"
	"gongji/wal/memlog"
)

// staged tells when a record has been appended, which is before it is durable.
type staged struct {
	wal.Log
	told chan wal.Commit
	on   *atomic.Bool
}

func (l *staged) Append(payload []byte) (wal.Commit, error) {
	c, err := l.Log.Append(payload)
	if err == nil && l.on.Load() {
		l.told <- c
	}
	return c, err
}

// seen is what a reader was told, and the disk as a power cut at that moment would leave it.
type seen struct {
	what     string
	sequence uint64 // of the newest thing told
	look     *Answer
	hash     [32]byte // of the state, if it was asked for
	image    *memlog.Disk
}

// errBusy says that a question was refused, not answered.
var errBusy = errors.New("refused")

// answeredBy makes a question that was refused an error.
func answeredBy(a Answer, f fate, err error) (Answer, error) {
	if f == free {
		err = errBusy
	}
	return a, err
}

// readers are ways to look at the ledger; each gives the newest sequence that its answer is about.
var readers = []struct {
	what string
	read func(w *world, m *machine, number int, s *seen) error
}{
	{"ask", func(w *world, m *machine, number int, s *seen) error {
		a, err := answeredBy(ask(m, &Call{Kind: Look, Family: number}))
		s.sequence, s.look = a.Sequence, &a
		return err
	}},
	{"balance", func(w *world, m *machine, number int, s *seen) error {
		a, err := answeredBy(httpDoor{}.do(m, &Call{Kind: Balance, Family: number}, false))
		s.sequence = a.Sequence
		return err
	}},
	{"found", func(w *world, m *machine, number int, s *seen) error {
		a, err := answeredBy(httpDoor{}.do(m, &Call{Kind: Found, Family: number, About: w.family[number].next - 1}, false))
		if s.sequence = a.Sequence; a.Outcome == NeverSeen {
			err = fmt.Errorf("the settlement was admitted before and is never seen")
		}
		return err
	}},
	{"totals", func(w *world, m *machine, _ int, s *seen) error {
		t, err := m.engine.Totals(engine.AskLimit, 0)
		if errors.Is(err, engine.ErrStalled) {
			err = errBusy
		}
		s.sequence, s.hash = t.Sequence, t.StateHash
		return err
	}},
	{"events", func(w *world, m *machine, _ int, s *seen) error {
		var body struct {
			Events []struct {
				Sequence uint64 `json:"sequence"`
			}
		}
		after := s.sequence
		if err := getJSON(m, m.admin+"/v1/events?limit=500&after="+string(ids.AppendEntry(nil, uint64(ledger.At(after, 0)))), &body); err != nil {
			return err
		}
		for _, e := range body.Events {
			s.sequence = max(s.sequence, e.Sequence)
		}
		return nil
	}},
	{"feed", func(w *world, m *machine, _ int, s *seen) error {
		feed, err := m.engine.Events(ledger.At(s.sequence, 0), engine.EventsMax, func(*ledger.Effect, *ledger.Effects) bool { return true })
		s.sequence = max(feed.Newest, s.sequence)
		return err
	}},
	{"statement", func(w *world, m *machine, number int, s *seen) error {
		var body struct {
			Sequence uint64 `json:"sequence"`
		}
		err := getJSON(m, m.business+"/v1/persons/"+psnNo(number, 0)+"/statement", &body)
		s.sequence = max(s.sequence, body.Sequence)
		return err
	}},
}

func getJSON(m *machine, url string, into any) error {
	resp, err := m.client.Get(url)
	if err != nil {
		return err
	}
	defer resp.Body.Close()
	text, err := io.ReadAll(resp.Body)
	if err == nil && resp.StatusCode == 503 {
		err = errBusy
	} else if err == nil && resp.StatusCode != 200 {
		err = fmt.Errorf("%s: %d %s", url, resp.StatusCode, text)
	}
	if err != nil {
		return err
	}
	return json.Unmarshal(text, into)
}

// durableRounds holds the sync of a settlement, lets readers look, and takes the disk at each answer. early counts answers about what that disk does not hold.
func durableRounds(t *testing.T, name string, seed uint64, rounds int, lie bool) (w *world, reads, early, recovered int) {
	told, on := make(chan wal.Commit, 16), &atomic.Bool{}
	p := plan{shards: 2, families: 5, never: true, log: func(l wal.Log) wal.Log {
		s := &staged{l, told, on}
		if lie {
			return lateLog{s}
		}
		return s
	}}
	w = newWorld(t, "T7", name, seed, p, faults{}, 0, submitDoor{})
	r := rand.New(rand.NewPCG(seed, 1))
	m := w.machine.Load()
	c := &caller{w: w, r: r, door: submitDoor{}}
	on.Store(true)
	for round := range rounds {
		number := r.IntN(w.families)
		m.disk.Hold()
		done := make(chan struct{})
		call := w.family[number].message(Call{Kind: Settle, Family: number, Amount: int64(1 + r.IntN(500))})
		go func() {
			defer close(done)
			c.call(call, false)
		}()
		commit := <-told
		sequence := commit.Sequence()
		var begun, looking sync.WaitGroup
		all := make([]seen, len(readers))
		for i := range readers {
			s := &all[i]
			s.what, s.sequence = readers[i].what, sequence-1
			begun.Add(1)
			looking.Go(func() {
				begun.Done()
				err := readers[i].read(w, m, number, s)
				for errors.Is(err, errBusy) && !lie { // a busy machine holds a sync so long that the ledger refuses questions
					err = readers[i].read(w, m, number, s)
				}
				if err != nil && !lie {
					t.Errorf("%s: %v", readers[i].what, err)
				}
				s.image = m.disk.Crash(0, 0)
			})
		}
		begun.Wait()
		if lie { // nobody waits for the disk: its answers come while it holds everything
			looking.Wait()
		}
		m.disk.Release(sequence)
		looking.Wait()
		<-done
		m.disk.ReleaseAll()
		must(t, commit.Wait()) // of a log that lies nobody else does
		for i := range all {
			reads++
			last := durableTo(t, all[i].image)
			if last < all[i].sequence {
				early++
			} else if last == all[i].sequence && (all[i].look != nil || all[i].hash != [32]byte{}) && round%5 == 0 && !lie {
				w.recovers(&all[i], number)
				recovered++
			}
		}
	}
	on.Store(false)
	return w, reads, early, recovered
}

// lateLog says durable at once; what it says is true only when the disk lets go.
type lateLog struct{ *staged }

func (l lateLog) Append(payload []byte) (wal.Commit, error) {
	c, err := l.staged.Append(payload)
	if err != nil || !l.on.Load() {
		return c, err
	}
	return earlyCommit{c}, nil
}

// durableTo is the last record of what a power cut leaves.
func durableTo(t *testing.T, image *memlog.Disk) uint64 {
	t.Helper()
	log, err := memlog.Open(image, memlog.Options{Identity: identity})
	must(t, err)
	defer func() { must(t, log.Close()) }()
	return log.Committed()
}

// recovers starts a ledger from the disk and compares what was read with what is there.
func (w *world) recovers(s *seen, number int) {
	w.t.Helper()
	m, err := w.start(s.image, vfs.NewCrashableMem())
	must(w.t, err)
	defer w.close(m, m.engine.Abandon)
	if s.look != nil {
		a, _, err := ask(m, &Call{Kind: Look, Family: number})
		must(w.t, err)
		if a.String() != s.look.String() {
			w.t.Errorf("read %v, recovered %v", s.look, a)
		}
		return
	}
	d, err := m.engine.Totals(engine.AskLimit, 0)
	must(w.t, err)
	if d.Sequence != s.sequence || d.StateHash != s.hash {
		w.t.Errorf("read state %x at %d, recovered %x at %d", s.hash[:4], s.sequence, d.StateHash[:4], d.Sequence)
	}
}

// TestReadsAreDurable (T7, P12, P3): whatever a reader is told while the disk holds a record back is on the disk at that moment: a power cut then takes nothing of it
// away, and a ledger started from it says the same.
func TestReadsAreDurable(t *testing.T) {
	w, reads, early, recovered := durableRounds(t, "reads-durable", 63, proof.Of(250), false)
	defer w.end()
	w.begun.AtLeast("reads", int64(reads), int64(proof.Of(250)*len(readers))).Zero("early", int64(early)).AtLeast("recovered", int64(recovered), 1).Fault("held", int64(proof.Of(250))).Print(t)
}

// TestReadsAreDurableSees is the test of it: with a log that says durable too soon, readers are told what a power cut would take.
func TestReadsAreDurableSees(t *testing.T) {
	w, reads, early, _ := durableRounds(t, "sees-early-reads", 64, 10, true)
	w.planted = true
	defer w.end()
	w.begun.Word("reads", reads).AtLeast("early", int64(early), 10).Fault("held", 10).Print(t)
}
