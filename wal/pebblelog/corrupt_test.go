package pebblelog

import (
	"errors"
	"fmt"
	"maps"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"

	"github.com/cockroachdb/pebble/v2/vfs"

	"gongji/bench/proof"
	"gongji/wal"
	"gongji/wal/waltest"
)

// specimen is a directory to damage, and the mark in it.
type specimen struct {
	name  string
	files image
	mark  uint64
}

// makeSpecimen writes n records, reopening sessions-1 times, and takes the
// files either after Close or as a crash leaves them once the mark has caught up.
func makeSpecimen(t *testing.T, name string, n, sessions int, segment int64, crash bool) specimen {
	mem := vfs.NewCrashableMem()
	fs := newCrashFS(mem)
	o := testOptions(fs)
	o.SegmentBytes, o.markInterval = segment, 1
	var end uint64
	for session := range sessions {
		marks := make(chan uint64, n+1)
		o.onMark = func(m uint64) { marks <- m }
		l, err := Open(logDir, o)
		if err != nil {
			t.Fatal(err)
		}
		for range n / sessions {
			c, err := l.Append(payloads()[l.Last()+1])
			if err == nil {
				err = c.Wait()
			}
			if err != nil {
				t.Fatal(err)
			}
		}
		end = l.Last()
		for m := uint64(0); m < end; m = <-marks {
		}
		if crash && session == sessions-1 {
			mem = mem.CrashClone(vfs.CrashCloneCfg{})
		}
		if err := l.Close(); err != nil {
			t.Fatal(err)
		}
	}
	s := specimen{name: name, files: readImage(t, mem, logDir), mark: end}
	if got := s.markIn(t); got != end {
		t.Fatalf("%s: mark %d, want %d", name, got, end)
	}
	return s
}

func (s specimen) markIn(t *testing.T) uint64 {
	id := waltest.Identity
	m, err := readMark(s.files.restore(t), logDir+"/"+markName, &id)
	if err != nil {
		t.Fatal(err)
	}
	return m.at.Sequence
}

func specimens(t *testing.T) []specimen {
	return []specimen{
		makeSpecimen(t, "fresh-closed", 300, 1, segmentBytes, false),
		makeSpecimen(t, "fresh-crashed", 300, 1, segmentBytes, true),
		makeSpecimen(t, "used-closed", 300, 3, testSegment, false),
		makeSpecimen(t, "used-crashed", 300, 3, testSegment, true),
	}
}

// damage changes a copy of an image and says how.
type damage struct {
	name string
	do   func(rng *rand.Rand, data []byte) []byte
}

var damages = []damage{
	{"flip", func(rng *rand.Rand, b []byte) []byte {
		bit := rng.IntN(len(b) * 8)
		b[bit/8] ^= 1 << (bit % 8)
		return b
	}},
	{"zero512", func(rng *rand.Rand, b []byte) []byte { return zeroPage(rng, b, 512) }},
	{"zero4096", func(rng *rand.Rand, b []byte) []byte { return zeroPage(rng, b, 4096) }},
	{"cut", func(rng *rand.Rand, b []byte) []byte { return b[:rng.IntN(len(b))] }},
	{"swap", func(rng *rand.Rand, b []byte) []byte {
		const page = 4096
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
	}},
	{"garbage", func(rng *rand.Rand, b []byte) []byte {
		for range 1 + rng.IntN(5000) {
			b = append(b, byte(rng.Uint32()))
		}
		return b
	}},
}

func zeroPage(rng *rand.Rand, b []byte, page int) []byte {
	i := rng.IntN((len(b)+page-1)/page) * page
	clear(b[i:min(i+page, len(b))])
	return b
}

const sweepImages = 2000 / slowed

// TestCorruptionSweep (T14): damage of every kind in every kind of file, in a
// fresh directory and in a used one. Either the start is refused with a typed
// error and no byte changed, or every record up to the mark is there with its
// content. Catches: log end before the mark accepted, the wrong format of a new
// store (F2, F3), a writable open before the check (F5).
// T20: defect_mark_ignored.
func TestCorruptionSweep(t *testing.T) {
	seed := proof.Seed(14)
	line := proof.New("T14", "log-corruption").Seed(seed)
	rng := rand.New(rand.NewPCG(seed, 0))
	type tally struct{ refused, intact int }
	table := map[string]*tally{}
	all := specimens(t)
	done := 0
	for done < sweepImages {
		s := all[done%len(all)]
		d := damages[rng.IntN(len(damages))]
		paths := s.files.paths(func(p string) bool { return len(s.files[p]) > 0 && !strings.HasSuffix(p, "LOCK") })
		path := pickByKind(rng, paths)
		files := maps.Clone(s.files)
		files[path] = string(d.do(rng, []byte(files[path])))
		if files[path] == s.files[path] {
			continue
		}
		what := fmt.Sprintf("%s %s of %s", s.name, d.name, path)
		refused := openDamaged(t, files, s.mark, what)
		if d.name == "garbage" && kindOf(path) == "segment" && refused && strings.HasSuffix(s.name, "crashed") {
			t.Errorf("%s: a harmless tail was refused", what)
		}
		if kindOf(path) == "mark" && !refused {
			t.Errorf("%s: a damaged mark was accepted", what)
		}
		key := kindOf(path) + " " + d.name
		if table[key] == nil {
			table[key] = &tally{}
		}
		if refused {
			table[key].refused++
		} else {
			table[key].intact++
		}
		done++
	}
	refused, intact := 0, 0
	for _, key := range slices.Sorted(maps.Keys(table)) {
		t.Logf("T14 %-18s refused=%d intact=%d", key, table[key].refused, table[key].intact)
		refused, intact = refused+table[key].refused, intact+table[key].intact
	}
	line.AtLeast("refused", int64(refused), sweepImages/4).AtLeast("intact", int64(intact), 1).AtLeast("kinds", int64(len(table)), 16/slowed).
		Zero("silent-loss", 0).Fault("damage", int64(done)).Print(t)
}

// pickByKind draws a kind of file first, so that the few big ones do not hide
// the small ones, but the write-ahead log half of the time.
func pickByKind(rng *rand.Rand, paths []string) string {
	kinds := map[string][]string{}
	for _, p := range paths {
		kinds[kindOf(p)] = append(kinds[kindOf(p)], p)
	}
	names := slices.Sorted(maps.Keys(kinds))
	kind := names[rng.IntN(len(names))]
	if rng.IntN(2) == 0 {
		kind = "segment"
	}
	return kinds[kind][rng.IntN(len(kinds[kind]))]
}

// openDamaged opens a damaged image and judges the answer.
func openDamaged(t *testing.T, files image, mark uint64, what string) (refused bool) {
	t.Helper()
	fs := files.restore(t)
	o := testOptions(fs)
	l, err := Open(logDir, o)
	if err == nil {
		defer l.Close()
		if err := verifyContent(l); err != nil {
			t.Fatalf("%s: accepted, but %v", what, err)
		}
		if l.Committed() < mark {
			t.Fatalf("%s: SILENT LOSS: the mark is %d, the log ends at %d", what, mark, l.Committed())
		}
		return false
	}
	var corruption *wal.CorruptionError
	switch {
	case errors.As(err, &corruption):
		if corruption.File == "" || corruption.Expected == "" || corruption.Found == "" {
			t.Fatalf("%s: refused without a place: %v", what, err)
		}
	case errors.Is(err, wal.ErrForeign), errors.Is(err, wal.ErrFormat):
	default:
		t.Fatalf("%s: refused with an untyped error: %v", what, err)
	}
	if after := readImage(t, fs, logDir); !maps.Equal(after, files) {
		for path := range after {
			if after[path] != files[path] {
				t.Errorf("%s: the refused start changed %s", what, path)
			}
		}
		t.Fatalf("%s: the refused start changed the directory", what)
	}
	return true
}

// TestFreshWAL (F3): every bit of a stretch in the middle of the only WAL file of
// a new log. It also says who noticed: Pebble by itself or only the mark.
func TestFreshWAL(t *testing.T) {
	line := proof.New("T14", "log-fresh-segment")
	s := makeSpecimen(t, "fresh", 300, 1, segmentBytes, true)
	path := s.walPath(t)
	if kind := s.files[path][6]; kind < 9 { // record.walSyncFullChunkEncoding
		t.Fatalf("the first WAL file of a new log has chunks of type %d: the old format", kind)
	}
	refused, byMark := 0, 0
	for bit := 20000 * 8; bit < 20040*8; bit += slowed {
		files := maps.Clone(s.files)
		b := []byte(files[path])
		b[bit/8] ^= 1 << (bit % 8)
		files[path] = string(b)
		if !openDamaged(t, files, s.mark, fmt.Sprintf("bit %d", bit)) {
			t.Fatalf("bit %d of %s flipped and accepted", bit, path)
		}
		refused++
		var corruption *wal.CorruptionError
		if _, err := Open(logDir, testOptions(files.restore(t))); errors.As(err, &corruption) && strings.Contains(corruption.Expected, "the mark") {
			byMark++
		}
	}
	line.AtLeast("refused", int64(refused), 1).Word("only-the-mark-noticed", byMark).Zero("silent-loss", 0).Fault("flip", int64(refused)).Print(t)
}

func (s specimen) walPath(t *testing.T) string {
	paths := s.files.segmentPaths()
	if len(paths) == 0 {
		t.Fatal("no segment")
	}
	return paths[len(paths)-1]
}

// TestMissingFiles: each file taken away, one at a time.
func TestMissingFiles(t *testing.T) {
	for _, s := range specimens(t) {
		refused := 0
		for _, path := range s.files.paths(func(p string) bool { return !strings.HasSuffix(p, "LOCK") }) {
			files := maps.Clone(s.files)
			delete(files, path)
			what := fmt.Sprintf("%s without %s", s.name, path)
			if openDamaged(t, files, s.mark, what) {
				refused++
			} else {
				t.Errorf("%s: accepted", what)
			}
		}
		if refused < 3 {
			t.Fatalf("%s: only %d missing files refused", s.name, refused)
		}
	}
	// The whole store gone, the mark there: not an empty ledger.
	s := makeSpecimen(t, "fresh", 30, 1, segmentBytes, false)
	only := image{logDir + "/" + markName: s.files[logDir+"/"+markName]}
	fs := only.restore(t)
	var corruption *wal.CorruptionError
	if _, err := Open(logDir, testOptions(fs)); !errors.As(err, &corruption) || corruption.Sequence != 1 {
		t.Fatalf("store gone: %v", err)
	}
}

// TestRollback: an older copy of the log beside the newer mark is refused with
// the first missing record; an older mark beside the newer log is good.
func TestRollback(t *testing.T) {
	old := makeSpecimen(t, "old", 100, 1, segmentBytes, false)
	now := makeSpecimen(t, "new", 200, 1, segmentBytes, false)
	markPath := logDir + "/" + markName

	files := maps.Clone(old.files)
	files[markPath] = now.files[markPath]
	var corruption *wal.CorruptionError
	_, err := Open(logDir, testOptions(files.restore(t)))
	if !errors.As(err, &corruption) || corruption.Sequence != 101 {
		t.Fatalf("old log, new mark: %v", err)
	}
	openDamaged(t, files, now.mark, "old log, new mark")

	files = maps.Clone(now.files)
	files[markPath] = old.files[markPath]
	if openDamaged(t, files, old.mark, "new log, old mark") {
		t.Fatal("new log with an old mark refused")
	}

	// Another history with as many records: same length, other bytes.
	id := waltest.Identity
	files = maps.Clone(now.files)
	fs := files.restore(t)
	if err := createMark(fs, markPath, &id, wal.Position{Sequence: 150, Link: wal.Link{1}}); err != nil {
		t.Fatal(err)
	}
	if _, err := Open(logDir, testOptions(fs)); !errors.As(err, &corruption) || corruption.Sequence != 150 {
		t.Fatalf("mark of another history: %v", err)
	}
}

// TestNewMark: an operator may replace a damaged or missing mark.
func TestNewMark(t *testing.T) {
	s := makeSpecimen(t, "fresh", 50, 1, segmentBytes, false)
	markPath := logDir + "/" + markName
	for _, bad := range []string{"", "nonsense", s.files[markPath][:5000]} {
		files := maps.Clone(s.files)
		if files[markPath] = bad; bad == "" {
			delete(files, markPath)
		}
		fs := files.restore(t)
		o := testOptions(fs)
		if _, err := Open(logDir, o); err == nil {
			t.Fatal("bad mark accepted")
		}
		o.NewMark = true
		l, err := Open(logDir, o)
		if err != nil {
			t.Fatal(err)
		}
		if err := l.Close(); err != nil {
			t.Fatal(err)
		}
		if last, err := recovered(fs, 50); err != nil || last != 50 {
			t.Fatalf("with the new mark: %d, %v", last, err)
		}
	}
}

// TestForeignMark: a mark of another log on the mark disk.
func TestForeignMark(t *testing.T) {
	s := makeSpecimen(t, "fresh", 20, 1, segmentBytes, false)
	fs := s.files.restore(t)
	other := waltest.Identity
	other.Directory[0]++
	if err := createMark(fs, logDir+"/"+markName, &other, wal.Position{}); err != nil {
		t.Fatal(err)
	}
	if _, err := Open(logDir, testOptions(fs)); !errors.Is(err, wal.ErrForeign) {
		t.Fatalf("foreign mark: %v", err)
	}
}

// TestVerifyFrom: the position is compared, and what lies before it is not read.
func TestVerifyFrom(t *testing.T) {
	s := makeSpecimen(t, "used", 300, 3, testSegment, false)
	fs := s.files.restore(t)
	l, err := Open(logDir, testOptions(fs))
	if err != nil {
		t.Fatal(err)
	}
	r, err := l.Get(200, nil)
	if err != nil {
		t.Fatal(err)
	}
	if err := l.Close(); err != nil {
		t.Fatal(err)
	}
	o := testOptions(fs)
	o.VerifyFrom = wal.Position{Sequence: 200, Link: r.Link}
	if l, err = Open(logDir, o); err != nil {
		t.Fatal(err)
	}
	if err := errors.Join(verifyContent(l), l.Close()); err != nil {
		t.Fatal(err)
	}
	var corruption *wal.CorruptionError
	o.VerifyFrom.Link[0]++
	if _, err := Open(logDir, o); !errors.As(err, &corruption) || corruption.Sequence != 200 {
		t.Fatalf("wrong link: %v", err)
	}
	o.VerifyFrom = wal.Position{Sequence: 301, Link: r.Link}
	if _, err := Open(logDir, o); !errors.As(err, &corruption) || corruption.Sequence != 301 {
		t.Fatalf("a checkpoint ahead of the log: %v", err)
	}
}
