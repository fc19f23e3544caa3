package power

import (
	"fmt"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"gongji/bench/proof"
	"gongji/engine"
)

const (
	failuresFull = 6 // half of them EIO, half ENOSPC
	failSeed     = 20_261_122_12
)

// failures are the errors that a sync gives, by strace's name and as the server's log tells them.
var failures = []struct{ name, text string }{{"EIO", "input/output error"}, {"ENOSPC", "no space left on device"}}

// TestFailingSync (T11b; P1, P3, P17): from a moment under load on every sync of the server fails. No message sent after the first failure is
// acknowledged, the process ends with an exit code and one line that names file and error, and a restart on the healed disk has everything acknowledged.
func TestFailingSync(t *testing.T) {
	if !proof.Asked() {
		return
	}
	if why := missing("strace"); why != "" {
		proof.NotRun(t, "T11", "failing-sync", why)
		return
	}
	p := proof.New("T11", "failing-sync").Seed(proof.Seed(failSeed))
	s := newSetup(t, testedBinary(t), filepath.Join(t.TempDir(), "ledger"), "--checkpoint-mib", killCheckMib)
	x, _ := s.start(t)
	load(t, x)
	u := newTruth()
	var acked, after int64
	for n := range proof.Of(failuresFull) {
		f := failures[n%len(failures)]
		c := startClient(t, plan{Business: s.business, Admin: s.admin, Book: filepath.Join(t.TempDir(), "book"), Name: fmt.Sprint("F", n), Seed: proof.Seed(failSeed) + uint64(n),
			Lanes: lanesOfAClient})
		c.reach(t, 50)
		r := inject(t, x, "error="+f.name)
		code := x.wait(t)
		<-r.ended
		calls, lines := r.calls(t), c.finished(t)
		p.Fault("sync_"+f.name, int64(len(calls)))
		checkLastWords(t, x, code, calls, f.text)
		a, b := ackedAround(lines, calls)
		acked, after = acked+a, after+b
		x, _ = s.start(t)
		u.add(t, x, lines)
		u.check(t, x, true)
	}
	x.stop(t)
	u.proveWith(t, s)
	u.report(t)
	p.AtLeast("acked", acked, int64(50*proof.Of(failuresFull))).Zero("acked_after_failure", after).Zero("lost", u.lost).Zero("twice", u.twice).
		Zero("differs", u.differs).Print(t)
}

// checkLastWords: the exit code of a failure, and one line that names a file that failed and the error (P17).
func checkLastWords(t *testing.T, x *server, code int, calls []injected, text string) {
	t.Helper()
	var last []string
	for _, l := range strings.Split(x.log(), "\n") {
		if strings.Contains(l, `"message":"ends"`) {
			last = append(last, l)
		}
	}
	named := false
	for _, c := range calls {
		named = named || len(last) == 1 && strings.Contains(last[0], filepath.Base(c.file)) && strings.Contains(last[0], text)
	}
	if code != engine.FatalExitCode || !named {
		t.Errorf("exit code %d, want %d; last words %q, of failed syncs %v with %q", code, engine.FatalExitCode, last, calls, text)
	}
}

// ackedAround counts acknowledged messages, and of these the ones sent after the first failure began: no sync that holds them can have succeeded.
func ackedAround(lines []*line, calls []injected) (acked, after int64) {
	for _, l := range lines {
		if l.State == stateDone || l.State == stateRefused {
			acked++
			if len(calls) > 0 && l.Sent > calls[0].at.UnixMicro() {
				after++
			}
		}
	}
	return acked, after
}

// stallFull is how many seconds one sync takes in T11c.
const stallFull = 10

// TestStalledSync (T11c; P1, P3, P12, P17, P21): one stall of all syncs. The server says that it is not ready and turns new work away with 503, it acknowledges
// nothing that it cannot have synced, and when the disk goes on it is healthy again, everything acknowledged is there, and everything unknown can be asked.
func TestStalledSync(t *testing.T) {
	if !proof.Asked() {
		return
	}
	if why := missing("strace"); why != "" {
		proof.NotRun(t, "T11", "stalled-sync", why)
		return
	}
	p := proof.New("T11", "stalled-sync").Seed(proof.Seed(failSeed))
	s := newSetup(t, testedBinary(t), filepath.Join(t.TempDir(), "ledger"))
	x, _ := s.start(t)
	load(t, x)
	c := startClient(t, plan{Business: s.business, Admin: s.admin, Book: filepath.Join(t.TempDir(), "book"), Name: "L", Seed: proof.Seed(failSeed), Lanes: lanesOfAClient, Stay: true})
	c.reach(t, 50)
	r := inject(t, x, fmt.Sprint("delay_enter=", time.Minute.Microseconds()))
	over := time.After(time.Duration(proof.Of(stallFull)) * time.Second)
	eventually(t, "readyz is bad", func() bool { return ready(t, x) == 503 })
	<-over
	during, alive := ready(t, x), get(t, x, "/healthz")
	end := now()
	calls := r.stalled(t)
	r.detach()
	eventually(t, "readyz is good again", func() bool { return ready(t, x) == 200 })
	c.reach(t, c.acked.Load()+50)
	lines := c.finish(t)
	var acked, early, turned, unknown int64
	for _, l := range lines {
		switch l.State {
		case stateTurned:
			if turned++; l.Status != 503 || l.After == "" {
				t.Errorf("%s was turned away with %d, Retry-After %q", l.Msgid, l.Status, l.After)
			}
		case stateUnknown:
			unknown++
		default:
			if acked++; len(calls) > 0 && l.Sent > calls[0].at.UnixMicro() && l.Got < end {
				early++
			}
		}
	}
	if during != 503 || alive != 200 {
		t.Errorf("during the stall readyz is %d and healthz %d", during, alive)
	}
	u := newTruth()
	u.add(t, x, lines)
	u.check(t, x, true)
	x.stop(t)
	u.proveWith(t, s)
	u.report(t)
	p.Word("stall", time.Duration(proof.Of(stallFull))*time.Second).AtLeast("acked", acked, 100).AtLeast("turned_away", turned, 1).AtLeast("unknown", unknown, 1).
		Word("unknown_done", u.done).Word("unknown_refused", u.refused).Word("unknown_never", u.never).
		Zero("acked_in_stall", early).Zero("lost", u.lost).Zero("twice", u.twice).Zero("differs", u.differs).Fault("stall", int64(len(calls))).Print(t)
}

func ready(t *testing.T, x *server) int { return get(t, x, "/readyz") }

// get gives the status of a question that a server which is alive always answers.
func get(t *testing.T, x *server, path string) int {
	t.Helper()
	a, err := x.get(path)
	if err != nil {
		t.Fatalf("%s: %v\n%s", path, err, x.log())
	}
	return a.status
}
