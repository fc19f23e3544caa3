package engine_test

import (
	"errors"
	"fmt"
	"maps"
	"math/rand/v2"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"

	"github.com/cockroachdb/pebble/v2/vfs"

	"gongji/bench/proof"
	"gongji/engine"
	"gongji/engine/journal"
	"gongji/engine/state"
	"gongji/wal"
	"gongji/wal/waltest"
)

const damageImages = 2000 // reliability.md T14

// verdict is what a start made of an image.
type verdict struct {
	refused, rebuilt, tail, untold, atUse, behind, touched bool
	restored                                               bool // by hand, after a refusal that told how
}

// damagedImage is a specimen's files with one damage.
type damagedImage struct {
	s          *specimen
	f          files
	kind, what string
}

// damaged makes images: each kind of file with each kind of damage in turn, of a specimen that is drawn.
func damaged(specimens []*specimen, seed uint64) <-chan damagedImage {
	kinds := map[string]bool{}
	for _, s := range specimens {
		for path := range s.files {
			kinds[damageKind(path)] = true
		}
	}
	sorted := slices.Sorted(maps.Keys(kinds))
	out := make(chan damagedImage)
	go func() {
		defer close(out)
		rng := rand.New(rand.NewPCG(seed, 0))
		for made, i := 0, 0; made < proof.Of(damageImages); i++ {
			kind, d := sorted[i%len(sorted)], damages[i/len(sorted)%len(damages)]
			s := specimens[rng.IntN(len(specimens))]
			paths := slices.Sorted(s.paths(kind))
			if len(paths) == 0 {
				continue
			}
			path, f := paths[rng.IntN(len(paths))], maps.Clone(s.files)
			if !d.do(rng, s, f, path) {
				continue
			}
			out <- damagedImage{s, f, kind + " " + d.name, fmt.Sprintf("seed=%d image %d: %s, %s of %s", seed, i, s.name, d.name, path)}
			made++
		}
	}()
	return out
}

// TestDamage (T14; P18, P19, P14): damage of every kind in every kind of file of fresh and used ledgers. Either the start is refused with a message
// that names what is wrong and no byte has changed, or all that was acknowledged is there with the right digests. What of the state store can only
// be seen when it is read is an error then, never an answer. A refusal over the state store says how to go on, and that works.
func TestDamage(t *testing.T) {
	seed := proof.Seed(1401)
	line := proof.New("T14", "engine-corruption").Seed(seed)
	specimens := []*specimen{
		makeSpecimen(t, "fresh-closed", seed, 1, false, false, false),
		makeSpecimen(t, "fresh-crashed", seed+1, 1, true, false, false),
		makeSpecimen(t, "fresh-tail", seed+2, 1, true, false, true),
		makeSpecimen(t, "used-closed", seed+3, 3, false, false, false),
		makeSpecimen(t, "used-crashed", seed+4, 3, true, false, false),
		makeSpecimen(t, "used-torn", seed+5, 3, true, true, false),
	}
	in := damaged(specimens, seed)
	var mu sync.Mutex
	table := map[string]map[string]int64{}
	dir := t.TempDir()
	var workers sync.WaitGroup
	for range checkers {
		workers.Go(func() {
			for x := range in {
				v, err := tryImage(x.s, x.f, dir, x.kind)
				if err != nil {
					t.Errorf("%s: %v", x.what, err)
				}
				mu.Lock()
				if table[x.kind] == nil {
					table[x.kind] = map[string]int64{}
				}
				v.count(table[x.kind])
				mu.Unlock()
			}
		})
	}
	workers.Wait()
	total := map[string]int64{}
	for _, key := range slices.Sorted(maps.Keys(table)) {
		text := ""
		for _, word := range verdictWords {
			total[word] += table[key][word]
			text += fmt.Sprintf(" %s=%d", word, table[key][word])
		}
		t.Logf("T14 engine %-18s%s", key, text)
	}
	for _, word := range verdictWords {
		line.Word(word, total[word])
	}
	line.Word("kinds", len(table)).AtLeast("images", total["refused"]+total["intact"], int64(proof.Of(damageImages))).AtLeast("restored-by-hand", total["restored"], 1).
		Zero("silent-loss", 0).Fault("damage", total["refused"]+total["intact"]).Print(t)
}

var verdictWords = []string{"refused", "intact", "rebuilt", "tail", "untold-behind-mark", "at-use", "behind-checkpoint", "touched", "restored"}

func (v *verdict) count(to map[string]int64) {
	for word, yes := range map[string]bool{"refused": v.refused, "intact": !v.refused, "rebuilt": v.rebuilt, "tail": v.tail, "at-use": v.atUse, "untold-behind-mark": v.untold, "behind-checkpoint": v.behind,
		"touched": v.touched, "restored": v.restored} {
		if yes {
			to[word]++
		}
	}
}

// tryImage starts an image and judges.
func tryImage(s *specimen, f files, dir, kind string) (v verdict, err error) {
	fs, err := f.restore()
	if err != nil {
		return v, err
	}
	keyFile, err := placeKeys(dir, []byte(f[keyPath]))
	if err != nil {
		return v, err
	}
	if _, there := f[keyPath]; !there {
		if err := os.Remove(keyFile); err != nil {
			return v, err
		}
	}
	m := newMachine(waltest.NewCrashFS(fs), keyFile, s.wall)
	var was engine.Recovered
	e, refusal, fault := tryOpen(m, &was)
	if fault != nil {
		return v, fault
	}
	if refusal != nil {
		v.refused = true
		return v, s.judgeRefusal(&v, refusal, f, fs, keyFile, dir)
	}
	err = s.judgeStart(&v, e, m, &was, kind)
	if kind == "mark flip" {
		err = errors.Join(err, errors.New("a damaged mark was accepted"))
	}
	_ = e.Crash() // what is damaged and was not read may fail now
	return v, err
}

// tryOpen starts a machine. A start that panics or never returns is a fault.
func tryOpen(m *machine, was *engine.Recovered) (e *engine.Engine, refusal, fault error) {
	done := make(chan struct{})
	ended := false
	go func() {
		defer close(done)
		defer func() {
			if r := recover(); r != nil {
				fault = fmt.Errorf("PANIC: %v", r)
				ended = true
			}
		}()
		e, refusal = m.open(was)
		ended = true
	}()
	<-done
	if !ended { // Pebble gave up on that goroutine: in the product the process has ended with this line
		if fatal := m.fatal.Load(); fatal != nil {
			return nil, *fatal, nil
		}
		return nil, nil, errors.New("the start vanished without a word")
	}
	return e, refusal, fault
}

// judgeRefusal: a refusal says where and what, and has changed nothing. One that tells how to go on is taken at its word.
func (s *specimen) judgeRefusal(v *verdict, refusal error, f files, fs vfs.FS, keyFile, dir string) error {
	var corruption *wal.CorruptionError
	switch {
	case errors.As(refusal, &corruption):
		if corruption.File == "" || corruption.Expected == "" || corruption.Found == "" {
			return fmt.Errorf("refused without a place: %w", refusal)
		}
	case errors.Is(refusal, wal.ErrForeign), errors.Is(refusal, wal.ErrFormat), errors.Is(refusal, engine.ErrIdentity), errors.Is(refusal, engine.ErrKeyFile),
		errors.Is(refusal, engine.ErrState), errors.Is(refusal, state.ErrForeign), errors.Is(refusal, state.ErrFormat):
	default:
		return fmt.Errorf("refused with an error of no kind: %w", refusal)
	}
	after, err := readFiles(fs, engine.RigDir)
	if err != nil {
		return err
	}
	for _, path := range slices.Sorted(maps.Keys(both(after, f))) {
		now, is := after[path]
		was, there := f[path]
		switch {
		case path == keyPath || filepath.Base(path) == "LOCK" || is == there && now == was:
		case errors.Is(refusal, engine.ErrState) && (strings.HasPrefix(path, engine.RigDir+"/state/") || path == markPath || damageKind(path) == "segment" && !there):
			v.touched = true // met behind the judging, by the id table or the replay: no segment that was there is touched
		default:
			return fmt.Errorf("a refused start changed %s: %w", path, refusal)
		}
	}
	if !errors.Is(refusal, engine.ErrState) {
		return nil
	}
	return s.restoreByHand(v, refusal, f, fs, keyFile, dir)
}

func both(a, b files) files {
	all := maps.Clone(a)
	maps.Copy(all, b)
	return all
}

// restoreByHand does what the refusal says: it moves the state's directory away and starts again.
func (s *specimen) restoreByHand(v *verdict, refusal error, f files, fs vfs.FS, keyFile, dir string) error {
	if !strings.Contains(refusal.Error(), "move "+engine.RigDir+"/state away") {
		return fmt.Errorf("a refusal over the state store does not say how to go on: %w", refusal)
	}
	if err := fs.RemoveAll(engine.RigDir + "/state"); err != nil {
		return err
	}
	m := newMachine(waltest.NewCrashFS(fs), keyFile, s.wall)
	var was engine.Recovered
	e, again, fault := tryOpen(m, &was)
	if err := errors.Join(again, fault); err != nil {
		return fmt.Errorf("without its state: %w", err)
	}
	err := s.judgeStart(&verdict{}, e, m, &was, "by hand")
	v.restored = true
	return errors.Join(err, e.Close())
}

// judgeStart: a start that was not refused has everything up to the mark, tells what it dropped behind it, and answers rightly or not at all.
func (s *specimen) judgeStart(v *verdict, e *engine.Engine, m *machine, was *engine.Recovered, kind string) error {
	if was.Sequence < s.mark {
		return fmt.Errorf("SILENT LOSS: the mark is %d, recovered to %d", s.mark, was.Sequence)
	}
	if was.Sequence >= uint64(len(s.reference)) || *was != s.reference[was.Sequence] {
		return fmt.Errorf("recovered %+v, which no prefix of the log is", *was)
	}
	if acked := s.book.acked.Load(); was.Sequence < acked {
		v.tail = true
		_, told := m.told.Load("torn tail cut")
		// Behind the mark, where a file is gone or an older one is back, or where it was cut between two records, nothing is left to be noticed (F4).
		v.untold = !told && (strings.HasSuffix(kind, " delete") || strings.HasSuffix(kind, " rollback") || strings.HasSuffix(kind, " cut"))
		if !told && !v.untold {
			return fmt.Errorf("nobody was told that the records %d to %d are gone", was.Sequence+1, acked)
		}
	}
	loaded, _ := m.told.Load("recovered at")
	v.rebuilt = loaded == uint64(0) && !s.tail
	if e.Pseudonym("01", []byte("somebody")) != s.pseudonym {
		return errors.New("WRONG: people have other names")
	}
	for _, err := range []error{s.book.checkTo(e, was.Sequence), e.CheckIDs()} {
		var block *journal.CorruptionError
		var record *wal.CorruptionError
		switch {
		case err == nil:
		case state.Damaged(err), errors.As(err, &block):
			v.atUse = true
		case errors.As(err, &record) && record.File != "" && record.Sequence > 0 && record.Sequence <= loaded.(uint64):
			v.behind = true // the start does not read what lies before its checkpoint; verify does
		default:
			return err
		}
	}
	return nil
}
