package load_test

import (
	"path/filepath"
	"testing"
	"time"

	"go.uber.org/goleak"

	"gongji/bench/load"
	"gongji/engine"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

func open(t *testing.T, dir string) *engine.Engine {
	t.Helper()
	p := engine.Hubei
	p.Evouchers = 0
	e, err := engine.Open(engine.Options{Dir: filepath.Join(dir, "ledger"), KeyFile: filepath.Join(dir, "key"), Create: true, FirstPolicy: p,
		Fatal: func(err error) { t.Error(err) }})
	if err != nil {
		t.Fatal(err)
	}
	return e
}

func digests(t *testing.T, e *engine.Engine) (sequence uint64, chain, hash [32]byte) {
	t.Helper()
	d, err := e.Totals(engine.AskLimit, 0)
	if err != nil {
		t.Fatal(err)
	}
	return d.Sequence, d.EffectChain, d.StateHash
}

// TestLoadRunReopen: a small world is loaded and driven; stopped and opened again it has the same digests.
func TestLoadRunReopen(t *testing.T) {
	dir := t.TempDir()
	e := open(t, dir)
	w := load.NewWorld(2000)
	refused, err := w.Load(e)
	if err != nil || len(refused) != 0 {
		t.Fatalf("refused %v, %v", refused, err)
	}
	r, err := load.Run(e, w, load.Plan{Workers: 4, Group: 100, Duration: 300 * time.Millisecond, Mix: load.DefaultMix, Seed: 1})
	if err != nil {
		t.Fatal(err)
	}
	if r.Accepted == 0 || r.Relatives == 0 || r.Cash == 0 || len(r.Refused) != 0 {
		t.Fatalf("vacuous or refused: %+v", r)
	}
	s1, c1, h1 := digests(t, e)
	if err := e.Close(); err != nil {
		t.Fatal(err)
	}
	e = open(t, dir)
	s2, c2, h2 := digests(t, e)
	if s1 != s2 || c1 != c2 || h1 != h2 {
		t.Errorf("stopped at %d %x %x, reopened at %d %x %x", s1, c1[:4], h1[:4], s2, c2[:4], h2[:4])
	}
	if err := e.Close(); err != nil {
		t.Fatal(err)
	}
}
