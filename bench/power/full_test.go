package power

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"testing"

	"gongji/bench/proof"
)

const (
	fullSeed = 20_261_122_13
	// tightMib is too small for a segment's reserve of 64 MiB: the log meets the end of the disk when it writes.
	tightMib = 48
	// tightRoomMib is left of it to the load: some seconds of eight connections.
	tightRoomMib = 2
	// wideMib holds a reserved segment: the state meets the end of the disk first.
	wideMib = 192
	// startsWhileFull is how often an operator's supervisor tries before somebody makes room.
	startsWhileFull = 3
)

// TestDiskFullLog (T13; P1, P3, P17, P19): load fills the disk under the log. The process ends with one line that names the file, starts on the full disk
// change nothing, and when there is room again everything acknowledged is there.
func TestDiskFullLog(t *testing.T) {
	if !proof.Asked() {
		return
	}
	f := newFilling(t, "disk-full-log", tightMib)
	if f == nil {
		return
	}
	f.fill(t, tightRoomMib<<20)
	c := f.client(t, "A", false)
	f.endOrRefuse(t)
	lines := c.finished(t)
	refused := f.startWhileFull(t)
	f.empty(t)
	f.x, _ = f.s.start(t)
	f.prove(t, append(lines, f.more...))
	f.print(t, lines, refused)
}

// TestDiskFullState (T13; P1, P3, P17): another's file takes all room while the log still has its reserve, so the state store is the first to fail. Log and state lie on
// the same full disk. Either the server is well again when there is room, or it has ended and a restart is; nothing acknowledged is lost.
func TestDiskFullState(t *testing.T) {
	if !proof.Asked() {
		return
	}
	f := newFilling(t, "disk-full-state", wideMib)
	if f == nil {
		return
	}
	c := f.client(t, "B", true)
	c.reach(t, 50)
	f.fill(t, 0)
	f.noticed(t)
	refused := int64(1)
	f.empty(t)
	f.back(t)
	c.reach(t, c.acked.Load()+50)
	lines := c.finish(t)
	f.prove(t, lines)
	f.print(t, lines, refused)
}

// filling is a server on a small disk and another's file beside it.
type filling struct {
	p       *proof.Line
	d       *disk
	s       *setup
	x       *server
	other   string
	u       *truth
	more    []*line // sent while the disk was full
	ended   int64   // processes that a full disk ended
	stalled int64   // and those that refused work because of it
}

// newFilling gives nil if the machine does not let us.
func newFilling(t *testing.T, name string, mib int64) *filling {
	t.Helper()
	if why := missing("mkfs.ext4", "losetup"); why != "" {
		proof.NotRun(t, "T13", name, why)
		return nil
	}
	f := &filling{p: proof.New("T13", name).Seed(proof.Seed(fullSeed)), d: newDisk(t, mib), u: newTruth()}
	f.other = filepath.Join(f.d.mount, "other")
	f.s = newSetup(t, testedBinary(t), filepath.Join(f.d.mount, "ledger"), "--checkpoint-mib", killCheckMib)
	f.x, _ = f.s.start(t)
	load(t, f.x)
	return f
}

func (f *filling) client(t *testing.T, name string, stay bool) *client {
	t.Helper()
	return startClient(t, plan{Business: f.s.business, Admin: f.s.admin, Book: filepath.Join(t.TempDir(), "book"), Name: name, Seed: proof.Seed(fullSeed), Lanes: lanesOfAClient, Stay: stay})
}

// fill lets another's file take all room but so many bytes.
func (f *filling) fill(t *testing.T, room int64) {
	t.Helper()
	file, err := os.OpenFile(f.other, os.O_CREATE|os.O_WRONLY, 0o600)
	if err != nil {
		t.Fatal(err)
	}
	defer file.Close()
	size := int64(0)
	for step := int64(1 << 20); step >= 4096; {
		var st syscall.Statfs_t
		if err := syscall.Statfs(f.d.mount, &st); err != nil {
			t.Fatal(err)
		}
		free := int64(st.Bavail) * st.Bsize
		if free <= room {
			return
		}
		err := syscall.Fallocate(int(file.Fd()), 0, size, min(step, free-room))
		switch {
		case err == nil:
			size += min(step, free-room)
		case errors.Is(err, syscall.ENOSPC):
			step /= 2
		default:
			t.Fatal(err)
		}
	}
}

// empty makes room again.
func (f *filling) empty(t *testing.T) {
	t.Helper()
	if err := os.Remove(f.other); err != nil {
		t.Fatal(err)
	}
}

// checkEnd: a full disk ends the process with a code and one line that names the file.
func (f *filling) checkEnd(t *testing.T, code int) {
	t.Helper()
	f.ended++
	said := f.x.log()
	if last := said[strings.LastIndex(said, "\n")+1:]; code <= 0 || !strings.Contains(last, "no space left on device") || !strings.Contains(last, f.s.dir) {
		t.Errorf("exit code %d, last words %q", code, last)
	}
}

// endOrRefuse waits until the full disk has ended the server; or, if the state store met it first, until new work is refused, and kills it: an operator would not wait for
// engine.StallExit.
func (f *filling) endOrRefuse(t *testing.T) {
	t.Helper()
	f.noticed(t)
	if f.x.isEnded() {
		f.checkEnd(t, f.x.wait(t))
		return
	}
	f.stalled++
	f.x.mustKill(t)
}

// noticed waits until the server has ended or refuses work.
func (f *filling) noticed(t *testing.T) {
	t.Helper()
	eventually(t, "the full disk is noticed", func() bool {
		if f.x.isEnded() {
			return true
		}
		a, err := f.x.get("/readyz")
		return err == nil && a.status == 503
	})
}

// startWhileFull starts the server on the full disk. One that comes up after all is given work until it notices.
func (f *filling) startWhileFull(t *testing.T) (refused int64) {
	t.Helper()
	f.fill(t, 0)
	for n := range startsWhileFull {
		f.x = f.s.spawn(t)
		if _, err := f.x.up(); err != nil {
			f.checkEnd(t, f.x.wait(t))
			refused++
			continue
		}
		c := f.client(t, fmt.Sprint("A", n), false)
		f.endOrRefuse(t)
		f.more = append(f.more, c.finished(t)...)
		refused++
	}
	return refused
}

// back waits for a server that is well again, or starts one in place of one that has ended.
func (f *filling) back(t *testing.T) {
	t.Helper()
	eventually(t, "the server is ready or gone", func() bool {
		if f.x.isEnded() {
			return true
		}
		a, err := f.x.get("/readyz")
		return err == nil && a.status == 200
	})
	if f.x.isEnded() {
		f.checkEnd(t, f.x.wait(t))
		f.x, _ = f.s.start(t)
	}
}

// prove compares everything with the book and replays the log.
func (f *filling) prove(t *testing.T, lines []*line) {
	t.Helper()
	f.u.add(t, f.x, lines)
	f.u.check(t, f.x, true)
	f.x.stop(t)
	f.u.proveWith(t, f.s)
	f.u.report(t)
}

func (f *filling) print(t *testing.T, lines []*line, refused int64) {
	t.Helper()
	var acked, unknown int64
	for _, l := range lines {
		switch l.State {
		case stateDone, stateRefused:
			acked++
		case stateUnknown:
			unknown++
		}
	}
	f.p.AtLeast("acked", acked, 50).Word("ended", f.ended).Word("stalled", f.stalled).Word("unknown_never", f.u.never).Zero("lost", f.u.lost).Zero("twice", f.u.twice).Zero("differs", f.u.differs).
		Fault("disk_full", refused).Print(t)
}
