package power

import (
	"fmt"
	"math/rand/v2"
	"path/filepath"
	"slices"
	"syscall"
	"testing"
	"time"

	"gongji/bench/proof"
)

// Kinds of moments at which T9 kills.
const (
	killLoad       = "load"        // while clients work
	killStart      = "start"       // before the server serves
	killCheckpoint = "checkpoint"  // while it makes a copy, which begins with a checkpoint
	killStop       = "stop"        // while it stops in order
	killsFull      = 40            // reliability.md T9
	lanesOfAClient = 8             // more only wait for one another on two cores
	killCheckMib   = "1"           // so that a round of load writes a checkpoint or two
	killSeed       = 20_261_122_09 // of the moments; what the clients send is in their books
)

// killOf deals the kinds: of ten kills six under load, two at the start, one each at a checkpoint and a stop.
func killOf(n int) string {
	return [...]string{killLoad, killLoad, killStart, killLoad, killCheckpoint, killLoad, killLoad, killStart, killLoad, killStop}[n%10]
}

// TestKill9 (T9; P1, P2, P3, P4, P5, P6, P7, P8, P11, P15, P24) kills the real server again and again under a client process that syncs its
// book before it counts; after every kill the server comes up on the same ports and the same directory, every unknown message is resolved to one
// outcome by asking, and every account, what institutions are owed and the trial balance are what the books say.
func TestKill9(t *testing.T) {
	if !proof.Asked() {
		return
	}
	p := proof.New("T9", "kill9").Seed(proof.Seed(killSeed))
	k := &killer{s: newSetup(t, testedBinary(t), filepath.Join(t.TempDir(), "ledger"), "--checkpoint-mib", killCheckMib),
		random: rand.New(rand.NewPCG(proof.Seed(killSeed), 0)), truth: newTruth(), kills: map[string]int64{killLoad: 0, killStart: 0, killCheckpoint: 0, killStop: 0}}
	x, _ := k.s.start(t)
	load(t, x)
	rounds := proof.Of(killsFull)
	for n := range rounds {
		x = k.round(t, x, n, rounds)
	}
	x.stop(t)
	k.truth.proveWith(t, k.s)
	k.print(t, p, int64(rounds))
}

// killer is a run of T9.
type killer struct {
	s        *setup
	random   *rand.Rand
	truth    *truth
	acked    int64
	unknown  int64
	conflict int64
	kills    map[string]int64
	starts   []time.Duration
}

func (k *killer) between(from, to time.Duration) <-chan time.Time {
	return time.After(from + time.Duration(k.random.Int64N(int64(to-from))))
}

// round lets a client work, kills, starts, and compares. It gives the new server.
func (k *killer) round(t *testing.T, x *server, n, rounds int) *server {
	t.Helper()
	kind := killOf(n)
	share := len(newBindings(k.truth.world)) / rounds
	c := startClient(t, plan{Business: k.s.business, Admin: k.s.admin, Book: filepath.Join(t.TempDir(), "book"), Name: fmt.Sprint("K", n),
		Seed: proof.Seed(killSeed) + uint64(n), Lanes: lanesOfAClient, Bindings: [2]int{n * share, (n + 1) * share}})
	c.reach(t, 1)
	<-k.between(50*time.Millisecond, 800*time.Millisecond)
	hit := kind
	switch kind {
	case killCheckpoint:
		copied := make(chan error, 1)
		go func() {
			_, err := x.post("/v1/ledger/copies", fmt.Appendf(nil, `{"name":"c%d"}`, n))
			copied <- err
		}()
		<-k.between(0, 20*time.Millisecond)
		x.mustKill(t)
		if err := <-copied; err == nil {
			hit = killLoad // the copy was quicker
		}
	case killStop:
		if err := x.signal(syscall.SIGTERM); err != nil {
			t.Fatal(err)
		}
		<-k.between(0, 10*time.Millisecond)
		if !x.kill() {
			hit = "" // it had stopped
		}
	default:
		x.mustKill(t)
	}
	if hit != killStart && hit != "" {
		k.kills[hit]++
	}
	lines := c.finished(t)
	if kind == killStart {
		k.killStarting(t)
	}
	x = k.restart(t)
	if kind == killStop { // once more, from a checkpoint that holds everything
		x.stop(t)
		x = k.restart(t)
	}
	for _, l := range lines {
		switch l.State {
		case stateUnknown:
			k.unknown++
		default:
			k.acked++
		}
	}
	k.truth.add(t, x, lines)
	k.truth.check(t, x, n%8 == 7 || n == rounds-1)
	k.truth.recheck(t, x, k.random)
	k.conflict += k.truth.conflicts(t, x, lines)
	return x
}

func (k *killer) restart(t *testing.T) *server {
	t.Helper()
	x, took := k.s.start(t)
	k.starts = append(k.starts, took)
	return x
}

// mustKill kills a server that is alive.
func (x *server) mustKill(t *testing.T) {
	t.Helper()
	if !x.kill() {
		t.Fatalf("the server ended by itself: %v\n%s", x.cmd.ProcessState, x.log())
	}
}

// killStarting kills a server before it serves, at a moment of an ordinary start; it tries until it was early enough.
func (k *killer) killStarting(t *testing.T) {
	t.Helper()
	for within := k.starts[len(k.starts)-1]; within > 0; within /= 2 {
		x := k.s.spawn(t)
		<-k.between(0, within)
		killed := x.kill()
		select {
		case <-x.serving:
		default:
			if !killed {
				t.Fatalf("a start after a kill failed: %v\n%s", x.cmd.ProcessState, x.log())
			}
			k.kills[killStart]++
			return
		}
	}
}

func (k *killer) print(t *testing.T, p *proof.Line, rounds int64) {
	t.Helper()
	u := k.truth
	u.report(t)
	slices.Sort(k.starts)
	total := int64(0)
	for kind, n := range k.kills {
		p.Fault("kill_"+kind, n)
		total += n
	}
	p.AtLeast("kills", total, rounds*9/10).AtLeast("acked", k.acked, rounds*20).Word("unknown", k.unknown).Word("unknown_done", u.done).
		Word("unknown_refused", u.refused).AtLeast("unknown_never", u.never, 1).AtLeast("checked", u.checked, k.acked+u.rechecked).AtLeast("conflicts", k.conflict, 1).Word("rechecked", u.rechecked).
		Zero("lost", u.lost).Zero("twice", u.twice).Zero("differs", u.differs).
		Word("restart_p50", k.starts[len(k.starts)/2].Round(time.Millisecond)).Word("restart_p100", k.starts[len(k.starts)-1].Round(time.Millisecond)).
		Word("P15_bound", p15Bound(worldPersons, len(u.lines)).Round(time.Millisecond)).Print(t)
}

// p15Bound is the restart bound of P15 for so many accounts and a tail of at most so many records. It is printed, not demanded: other
// processes share the cores.
func p15Bound(accounts, records int) time.Duration {
	return 2*time.Second + time.Duration(accounts)*time.Second/5_000_000 + time.Duration(records)*time.Second/500_000
}
