package power

import (
	"fmt"
	"math/rand/v2"
	"path/filepath"
	"testing"
	"time"

	"gongji/bench/proof"
)

// creationsFull ledgers are killed while they are being made: a creation writes a handful of files, so that each of its steps is met.
const creationsFull = 16

// TestKillCreation (T9; P15, P21) kills the server while it makes a new ledger: whatever it has left, the next start makes it whole and
// serves.
func TestKillCreation(t *testing.T) {
	if !proof.Asked() {
		return
	}
	p := proof.New("T9", "kill-creation").Seed(proof.Seed(killSeed))
	random := rand.New(rand.NewPCG(proof.Seed(killSeed), 1))
	dir, bin := t.TempDir(), testedBinary(t)
	whole := time.Duration(0) // a creation that nobody disturbs
	var killed, early, refused int64
	for n := range proof.Of(creationsFull) {
		s := newSetup(t, bin, filepath.Join(dir, fmt.Sprint("ledger", n)))
		if n == 0 {
			x, took := s.start(t)
			x.stop(t)
			whole = took
			continue
		}
		x := s.spawn(t)
		<-time.After(time.Duration(random.Int64N(int64(whole))))
		if x.kill() {
			killed++
		}
		select {
		case <-x.serving:
		default:
			early++
		}
		x = s.spawn(t)
		if _, err := x.up(); err != nil {
			refused++
			t.Errorf("ledger %d: %v", n, err)
		}
		x.kill()
	}
	least := int64(proof.Of(creationsFull) / 2)
	p.AtLeast("killed", killed, least).AtLeast("before_serving", early, least/2).Zero("refused", refused).Fault("kill_creation", early).Print(t)
}
