package engine_test

import (
	"errors"
	"fmt"
	"io"
	"maps"
	"math/rand/v2"
	"os"
	"path/filepath"
	"runtime"
	"slices"
	"strings"
	"sync"
	"testing"

	"github.com/cockroachdb/pebble/v2/vfs"

	"gongji/bench/proof"
	"gongji/engine"
	"gongji/engine/journal"
	"gongji/engine/ledger"
	"gongji/engine/state"
	"gongji/wal"
	"gongji/wal/waltest"
)

const damageImages = 2000 // reliability.md T14

// files are all files below a directory, by path; the key file is among them under keyPath.
type files map[string]string

const (
	keyPath  = "key file"
	markPath = engine.RigDir + "/log/ACKED"
)

// readFiles reads a tree. Empty directories are not told apart from none.
func readFiles(fs vfs.FS, dir string) (files, error) {
	all := files{}
	names, err := fs.List(dir)
	for _, name := range names {
		path := fs.PathJoin(dir, name)
		info, statErr := fs.Stat(path)
		if err = errors.Join(err, statErr); err != nil {
			return nil, err
		}
		if info.IsDir() {
			below, err := readFiles(fs, path)
			if err != nil {
				return nil, err
			}
			maps.Copy(all, below)
			continue
		}
		f, err := fs.Open(path)
		if err != nil {
			return nil, err
		}
		b, err := io.ReadAll(f)
		if err = errors.Join(err, f.Close()); err != nil {
			return nil, err
		}
		all[path] = string(b)
	}
	return all, err
}

// restore makes a machine's files of them.
func (f files) restore() (*vfs.MemFS, error) {
	fs := vfs.NewMem()
	for path, data := range f {
		if path == keyPath {
			continue
		}
		if err := fs.MkdirAll(fs.PathDir(path), 0o700); err != nil {
			return nil, err
		}
		file, err := fs.Create(path, vfs.WriteCategoryUnspecified)
		if err != nil {
			return nil, err
		}
		_, err = file.Write([]byte(data))
		if err = errors.Join(err, file.Close()); err != nil {
			return nil, err
		}
	}
	return fs, nil
}

// specimen is a ledger's files to damage, and what holds of them.
type specimen struct {
	name       string
	files, old files // old: the same ledger earlier
	pseudonym  ledger.Key
	mark       uint64
	tail       bool // made without a checkpoint
	wall       int64
	book       *book
	reference  []engine.Recovered
}

// makeSpecimen writes a ledger in some lives and takes its files after an orderly stop, as a power cut leaves them, or after the start from a torn tail.
//
// tail: it has no checkpoint and an old mark, so that damage behind that mark is a torn tail.
func makeSpecimen(t *testing.T, name string, seed uint64, lives int, crash, torn, tail bool) *specimen {
	all, wall := tasks(seed, 8, 5)
	mem := vfs.NewCrashableMem()
	m := newMachine(waltest.NewCrashFS(mem), filepath.Join(t.TempDir(), "key"), wall)
	s := &specimen{name: name, book: newBook(), wall: wall, old: files{}, tail: tail}
	image := mem
	for life := range lives {
		o := m.options(nil)
		if tail {
			o.CheckpointBytes = 1 << 40
		}
		e, err := engine.Open(o)
		must(t, err)
		must(t, e.ConfirmClock())
		s.pseudonym = e.Pseudonym("01", []byte("somebody"))
		some := all[life*len(all)/lives : (life+1)*len(all)/lives]
		for i := range some {
			if life == lives-1 && i == len(some)/2 {
				s.mark = e.Acknowledged()
				s.old, err = readFiles(mem.CrashClone(vfs.CrashCloneCfg{}), engine.RigDir)
				must(t, err)
			}
			m.clock.reach(some[i].timeMS)
			must(t, errors.Join(e.Housekeep(), s.book.do(e, &some[i])))
		}
		if life == lives-1 && crash {
			for !tail && e.Acknowledged() < s.book.acked.Load() {
				runtime.Gosched() // the mark follows within 10 ms
			}
			if !tail {
				s.mark = e.Acknowledged()
			}
			image = mem.CrashClone(vfs.CrashCloneCfg{})
		}
		must(t, e.Close())
		if !crash {
			s.mark = e.Acknowledged()
		}
	}
	var err error
	s.reference, err = engine.Prefixes(m.options(nil))
	must(t, err)
	s.files, err = readFiles(image, engine.RigDir)
	must(t, err)
	keys, err := os.ReadFile(m.keyFile)
	must(t, err)
	s.files[keyPath] = string(keys)
	if tail {
		s.files[markPath] = s.old[markPath]
	}
	if torn {
		s.tear(t)
	}
	return s
}

// tear leaves half a record behind the log's end and starts once: the tail is cut and its file kept.
func (s *specimen) tear(t *testing.T) {
	segments := slices.Sorted(s.paths("segment"))
	last := segments[len(segments)-1]
	s.files[last] += s.files[last][len(s.files[last])/2:]
	fs, err := s.files.restore()
	must(t, err)
	m, err := s.machine(fs, t.TempDir())
	must(t, err)
	e, err := m.open(nil)
	must(t, err)
	must(t, e.Close())
	if _, told := m.told.Load("torn tail cut"); !told {
		t.Fatalf("vacuous: %s has no torn tail", s.name)
	}
	keys := s.files[keyPath]
	s.files, err = readFiles(fs, engine.RigDir)
	must(t, err)
	s.files[keyPath] = keys
}

func (s *specimen) machine(fs vfs.FS, dir string) (*machine, error) {
	keyFile, err := placeKeys(dir, []byte(s.files[keyPath]))
	return newMachine(waltest.NewCrashFS(fs), keyFile, s.wall), err
}

// damageKind is fileKind, of any file of an image.
func damageKind(path string) string {
	if path == keyPath {
		return "key"
	}
	if strings.Contains(path, "/torn/") {
		return "torn"
	}
	return fileKind(path)
}

func (s *specimen) paths(kind string) func(func(string) bool) {
	return func(yield func(string) bool) {
		for path := range s.files {
			if damageKind(path) == kind && !yield(path) {
				return
			}
		}
	}
}

// damage changes one file of a copy; false: it cannot be done to this one.
type damage struct {
	name string
	do   func(rng *rand.Rand, s *specimen, f files, path string) bool
}

func changed(change func(rng *rand.Rand, b []byte) []byte) func(*rand.Rand, *specimen, files, string) bool {
	return func(rng *rand.Rand, _ *specimen, f files, path string) bool {
		if len(f[path]) == 0 {
			return false
		}
		was := f[path]
		f[path] = string(change(rng, []byte(was)))
		return f[path] != was
	}
}

var damages = []damage{
	{"flip", changed(func(rng *rand.Rand, b []byte) []byte {
		bit := rng.IntN(len(b) * 8)
		b[bit/8] ^= 1 << (bit % 8)
		return b
	})},
	{"zero512", changed(func(rng *rand.Rand, b []byte) []byte { return zeroPage(rng, b, 512) })},
	{"zero4096", changed(func(rng *rand.Rand, b []byte) []byte { return zeroPage(rng, b, 4096) })},
	{"cut", changed(func(rng *rand.Rand, b []byte) []byte { return b[:rng.IntN(len(b))] })},
	{"swap", changed(func(rng *rand.Rand, b []byte) []byte {
		const page = 512
		pages := len(b) / page
		if pages < 2 {
			return b
		}
		i := rng.IntN(pages)
		j := (i + 1 + rng.IntN(pages-1)) % pages
		one := slices.Clone(b[i*page : (i+1)*page])
		copy(b[i*page:], b[j*page:(j+1)*page])
		copy(b[j*page:], one)
		return b
	})},
	{"garbage", func(rng *rand.Rand, _ *specimen, f files, path string) bool {
		b := make([]byte, 1+rng.IntN(5000))
		for i := range b {
			b[i] = byte(rng.Uint32())
		}
		f[path] += string(b)
		return true
	}},
	{"rollback", func(_ *rand.Rand, s *specimen, f files, path string) bool {
		old, there := s.old[path]
		differs := there && old != f[path]
		if differs {
			f[path] = old
		}
		return differs
	}},
	{"delete", func(_ *rand.Rand, _ *specimen, f files, path string) bool {
		delete(f, path)
		return true
	}},
}

func zeroPage(rng *rand.Rand, b []byte, page int) []byte {
	i := rng.IntN((len(b)+page-1)/page) * page
	clear(b[i:min(i+page, len(b))])
	return b
}

// verdict is what a start made of an image.
type verdict struct {
	refused, rebuilt, tail, untold, atUse, behind, touched bool
	restored                                               bool // by hand, after a refusal that told how
}

// TestDamage (T14; P18, P19, P14): damage of every kind in every kind of file of fresh and used ledgers. Either the start is refused with a message
// that names what is wrong and no byte has changed, or all that was acknowledged is there with the right digests. What of the state store can only
// be seen when it is read is an error then, never an answer. A refusal over the state store says how to go on, and that works.
func TestDamage(t *testing.T) {
	const seed = 1401
	line := proof.New("T14", "engine-corruption").Seed(seed)
	specimens := []*specimen{
		makeSpecimen(t, "fresh-closed", seed, 1, false, false, false),
		makeSpecimen(t, "fresh-crashed", seed+1, 1, true, false, false),
		makeSpecimen(t, "fresh-tail", seed+2, 1, true, false, true),
		makeSpecimen(t, "used-closed", seed+3, 3, false, false, false),
		makeSpecimen(t, "used-crashed", seed+4, 3, true, false, false),
		makeSpecimen(t, "used-torn", seed+5, 3, true, true, false),
	}
	kinds := map[string]bool{}
	for _, s := range specimens {
		for path := range s.files {
			kinds[damageKind(path)] = true
		}
	}
	sorted := slices.Sorted(maps.Keys(kinds))
	type image struct {
		s          *specimen
		f          files
		kind, what string
	}
	in := make(chan image)
	go func() {
		defer close(in)
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
			in <- image{s, f, kind + " " + d.name, fmt.Sprintf("seed=%d image %d: %s, %s of %s", seed, i, s.name, d.name, path)}
			made++
		}
	}()
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
