package power

import (
	"math/rand/v2"
	"path/filepath"
	"slices"
	"syscall"
	"testing"
	"time"

	"gongji/bench/proof"
)

const (
	cutsFull = 10  // reliability.md T10
	cutMib   = 512 // of the disk: some segments of 64 MiB, the state, a journal
	cutSeed  = 20_261_122_10
)

// TestPowerCut (T10; P1, P3, P4, P6, P11, P15) cuts the power: the server works on a file system of its own, is stopped where it stands, and what
// the device holds at that moment is copied. On each copy a server comes up, and it has every message that was acknowledged before, with the same answer and once;
// every account is what the book says. The same with a server that does not sync must lose, or this test would be blind.
func TestPowerCut(t *testing.T) {
	if !proof.Asked() {
		return
	}
	if why := missing("mkfs.ext4", "losetup"); why != "" {
		proof.NotRun(t, "T10", "power-cut", why)
		return
	}
	p := proof.New("T10", "power-cut").Seed(proof.Seed(cutSeed))
	cuts := cutPower(t, testedBinary(t), proof.Of(cutsFull))
	var acked, lost, twice, differs, behind int64
	var starts []time.Duration
	for _, c := range cuts {
		u := c.recover(t)
		u.report(t)
		acked, lost, twice, differs = acked+c.acked, lost+u.lost, twice+u.twice, differs+u.differs
		behind += u.done + u.refused // acknowledged after the stop, and there already
		starts = append(starts, c.took)
	}
	control := cutPower(t, binary(t, "defect_nosync"), 1)[0]
	blind := control.lostOf(t)
	p.AtLeast("images", int64(len(cuts)), int64(proof.Of(cutsFull))).AtLeast("acked", acked, int64(len(cuts))*50).Word("under_way_and_there", behind).
		Zero("lost", lost).Zero("twice", twice).Zero("differs", differs).Word("restart_p100", slices.Max(starts).Round(time.Millisecond)).
		AtLeast("control_acked", control.acked, 50).AtLeast("control_lost", blind, control.acked/2).Fault("power_cut", int64(len(cuts))).Print(t)
}

// cut is one moment without power.
type cut struct {
	disk  *disk
	setup setup
	at    int64   // when the server stood still
	lines []*line // sent before
	acked int64
	took  time.Duration // until the server on the copy was up
}

// cutPower lets a server work on a disk and cuts the power n times, at random moments.
func cutPower(t *testing.T, bin string, n int) (cuts []*cut) {
	t.Helper()
	random := rand.New(rand.NewPCG(proof.Seed(cutSeed), 0))
	d := newDisk(t, cutMib)
	s := newSetup(t, bin, filepath.Join(d.mount, "ledger"), "--checkpoint-mib", killCheckMib)
	x, _ := s.start(t)
	load(t, x)
	d.flush(t) // the load is not what is tested, and the control shall lose no more than the rest
	c := startClient(t, plan{Business: s.business, Admin: s.admin, Book: filepath.Join(t.TempDir(), "book"), Name: "C", Seed: proof.Seed(cutSeed),
		Lanes: lanesOfAClient, Bindings: [2]int{0, len(newBindings(world()))}})
	for range n {
		c.reach(t, c.acked.Load()+50)
		<-time.After(time.Duration(random.Int64N(int64(300 * time.Millisecond))))
		cuts = append(cuts, cutNow(t, x, c, d))
	}
	lines := c.finish(t)
	x.mustKill(t)
	d.detach(t)
	for _, k := range cuts {
		k.fill(lines)
	}
	return cuts
}

// cutNow stops the server, takes the image, reads what the client has in its book, and lets the server go on.
func cutNow(t *testing.T, x *server, c *client, d *disk) *cut {
	t.Helper()
	if err := x.signal(syscall.SIGSTOP); err != nil {
		t.Fatal(err)
	}
	stopped(t, x)
	at := now()
	image := d.powerCut(t)
	lines, err := readBook(c.plan.Book)
	if err != nil {
		t.Fatal(err)
	}
	if err := x.signal(syscall.SIGCONT); err != nil {
		t.Fatal(err)
	}
	return &cut{disk: image, setup: *x.setup, lines: lines, at: at}
}

// fill adds from the whole book what its client had been told by then and had not written yet, and, as unknown, what was under way: it may be on the
// image and may not.
func (k *cut) fill(book []*line) {
	for _, l := range book[len(k.lines):] {
		if l.Sent > k.at {
			continue
		}
		one := *l
		if l.Got > k.at {
			one.State = stateUnknown
		}
		k.lines = append(k.lines, &one)
	}
	for _, l := range k.lines {
		if l.State == stateDone || l.State == stateRefused {
			k.acked++
		}
	}
}

// start mounts the image and starts a server on it, at the same addresses.
func (k *cut) start(t *testing.T) (*server, error) {
	t.Helper()
	k.disk.attach(t)
	k.setup.dir = filepath.Join(k.disk.mount, filepath.Base(k.setup.dir))
	x := k.setup.spawn(t)
	took, err := x.up()
	k.took = took
	return x, err
}

// recover compares the whole image with the book.
func (k *cut) recover(t *testing.T) *truth { return k.recoverWith(t, func(*server) {}) }

// recoverWith asks the server on the image something before.
func (k *cut) recoverWith(t *testing.T, first func(*server)) *truth {
	t.Helper()
	x, err := k.start(t)
	if err != nil {
		t.Fatal(err)
	}
	first(x)
	u := newTruth()
	u.add(t, x, k.lines)
	u.check(t, x, true)
	x.mustKill(t)
	k.disk.detach(t)
	return u
}

// lostOf counts what an image of the control has lost: of a ledger that does not start, all.
func (k *cut) lostOf(t *testing.T) (lost int64) {
	t.Helper()
	x, err := k.start(t)
	if err != nil {
		return k.acked
	}
	for _, l := range k.lines {
		if l.State != stateDone && l.State != stateRefused {
			continue
		}
		u := truth{}
		f, err := find(x, l)
		if err != nil {
			t.Fatal(err)
		}
		if u.compare(l, &f); u.lost > 0 {
			lost++
		}
	}
	x.mustKill(t)
	k.disk.detach(t)
	return lost
}
