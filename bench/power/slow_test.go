package power

import (
	"fmt"
	"math"
	"math/rand/v2"
	"path/filepath"
	"sync"
	"sync/atomic"
	"syscall"
	"testing"
	"time"

	"gongji/bench/proof"
	"gongji/bench/province"
)

const (
	slowSync     = 200 * time.Millisecond // reliability.md T11
	slowCutsFull = 4
	slowSeed     = 20_261_122_11
	watchers     = 8
)

// TestSlowSync (T11a; P1, P3, P12): every sync of the running server is held for 200 ms before it begins. No message sent meanwhile is acknowledged
// earlier, and nobody who asks is told of something that the power-cut image of the next moment does not have.
func TestSlowSync(t *testing.T) {
	if !proof.Asked() {
		return
	}
	if why := missing("mkfs.ext4", "losetup", "strace"); why != "" {
		proof.NotRun(t, "T11", "slow-sync", why)
		return
	}
	p := proof.New("T11", "slow-sync").Seed(proof.Seed(slowSeed))
	d := newDisk(t, cutMib)
	s := newSetup(t, testedBinary(t), filepath.Join(d.mount, "ledger"))
	x, _ := s.start(t)
	load(t, x)
	r := inject(t, x, fmt.Sprint("delay_enter=", slowSync.Microseconds()))
	w := watch(x)
	var cuts []*slowCut
	for n := range proof.Of(slowCutsFull) {
		w.reach(t, int64(watchers*(n+1)))
		cuts = append(cuts, w.cut(t, x, d))
	}
	w.finish()
	delayed := r.calls(t)
	r.detach()
	x.mustKill(t)
	d.detach(t)
	if err := w.failure.Load(); err != nil {
		t.Fatal(*err)
	}
	least, most, acked := w.latencies()
	if least < slowSync {
		t.Errorf("a message was acknowledged after %v, each sync took at least %v", least, slowSync)
	}
	var lost, wrong, dirty, seen int64
	for _, k := range cuts {
		k.fill(w.lines)
		u := k.recoverWith(t, func(x *server) {
			seen += int64(len(k.seen))
			dirty += k.dirtyReads(t, x)
		})
		u.report(t)
		lost, wrong = lost+u.lost, wrong+u.twice+u.differs
	}
	p.AtLeast("images", int64(len(cuts)), int64(proof.Of(slowCutsFull))).AtLeast("acked", acked, int64(watchers*len(cuts))).
		Word("ack_min", least.Round(time.Millisecond)).Word("ack_max", most.Round(time.Millisecond)).AtLeast("reads", w.reads.Load(), int64(len(cuts)*watchers)).
		AtLeast("told_of_settled", seen, 1).Zero("dirty", dirty).Zero("lost", lost).Zero("wrong", wrong).Fault("sync_delayed", int64(len(delayed))).Print(t)
}

// watch is a number of tills that each send a bill and ask what became of it, over and over, until it is answered.
type watching struct {
	server   *server
	world    *province.Province
	over     atomic.Bool
	reads    atomic.Int64
	acked    atomic.Int64
	sequence atomic.Uint64 // the highest that an answer to a question was given at
	failure  atomic.Pointer[error]
	tills    sync.WaitGroup

	mu    sync.Mutex
	lines []*line          // sent
	seen  map[*line]string // told of as settled, to somebody who asked, under this id
}

func watch(x *server) *watching {
	w := &watching{server: x, world: world(), seen: map[*line]string{}}
	for n := range watchers {
		w.tills.Go(func() { w.till(n) })
	}
	return w
}

func (w *watching) till(n int) {
	random := rand.New(rand.NewPCG(proof.Seed(slowSeed), uint64(n)))
	l := &lane{plan: &plan{Name: "W"}, number: n, world: w.world, day: w.world.Day(proof.Seed(slowSeed)).WithCount(math.MaxInt32), random: random}
	for !w.over.Load() {
		s := l.bill()
		s.Lane, s.Sent = n, now()
		w.mu.Lock()
		w.lines = append(w.lines, s)
		w.mu.Unlock()
		answered := make(chan struct{})
		go func() {
			defer close(answered)
			a, err := w.server.post(s.Path, s.Body)
			w.mu.Lock()
			defer w.mu.Unlock()
			s.Got = now()
			if s.take(a, err); s.State == stateDone || s.State == stateRefused {
				w.acked.Add(1)
			}
		}()
		for asking := true; asking; {
			if err := w.ask(s); err != nil {
				w.failure.CompareAndSwap(nil, &err)
			}
			select {
			case <-answered:
				asking = false
			default:
			}
		}
	}
}

// ask asks for a message and remembers what was told.
func (w *watching) ask(s *line) error {
	var f struct {
		fate
		Asked uint64 `json:"sequence_asked"`
	}
	a, err := w.server.get("/v1/settlements?fixmedins_code=" + s.Code + "&msgid=" + s.Msgid)
	if err == nil {
		err = decode(a, &f)
	}
	if err != nil {
		return err
	}
	w.reads.Add(1)
	w.mu.Lock()
	defer w.mu.Unlock()
	w.sequence.Store(max(w.sequence.Load(), f.Asked))
	if f.State == "settled" {
		w.seen[s] = f.ID
	}
	return nil
}

// reach waits until n bills are acknowledged.
func (w *watching) reach(t *testing.T, n int64) {
	t.Helper()
	eventually(t, fmt.Sprint(n, " bills acknowledged"), func() bool { return w.acked.Load() >= n || w.failure.Load() != nil })
}

func (w *watching) finish() {
	w.over.Store(true)
	w.tills.Wait()
}

// latencies are the shortest and longest wait for an acknowledgement.
func (w *watching) latencies() (least, most time.Duration, acked int64) {
	least = time.Hour
	for _, l := range w.lines {
		if l.State == stateDone || l.State == stateRefused {
			took := time.Duration(l.Got-l.Sent) * time.Microsecond
			least, most, acked = min(least, took), max(most, took), acked+1
		}
	}
	return least, most, acked
}

// slowCut is a power cut and what had been told by then to those who asked.
type slowCut struct {
	cut
	seen     map[string]*line // by settlement id
	sequence uint64
}

// cut stops the server and takes the image. What is in the connections' buffers was told before.
func (w *watching) cut(t *testing.T, x *server, d *disk) *slowCut {
	t.Helper()
	if err := x.signal(syscall.SIGSTOP); err != nil {
		t.Fatal(err)
	}
	stopped(t, x)
	k := &slowCut{cut: cut{at: now(), setup: *x.setup}, seen: map[string]*line{}}
	k.disk = d.powerCut(t)
	w.mu.Lock()
	for l, id := range w.seen {
		k.seen[id] = l
	}
	k.sequence = w.sequence.Load()
	w.mu.Unlock()
	if err := x.signal(syscall.SIGCONT); err != nil {
		t.Fatal(err)
	}
	return k
}

// dirtyReads counts what was told and is not on the image.
func (k *slowCut) dirtyReads(t *testing.T, x *server) (dirty int64) {
	t.Helper()
	var totals struct {
		Sequence uint64 `json:"sequence"`
	}
	a, err := x.get("/v1/ledger/totals")
	if err == nil {
		err = decode(a, &totals)
	}
	if err != nil {
		t.Fatal(err)
	}
	if totals.Sequence < k.sequence {
		t.Errorf("an answer was given at sequence %d, the image ends at %d", k.sequence, totals.Sequence)
		dirty++
	}
	for id, l := range k.seen {
		if f, err := ask(x, l); err != nil || f.ID != id {
			t.Errorf("%s was told of as settlement %s, the image says %s %s (%v)", l.Msgid, id, f.State, f.ID, err)
			dirty++
		}
	}
	return dirty
}
