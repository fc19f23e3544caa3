package journal

import (
	"bytes"
	"encoding/binary"
	"encoding/hex"
	"errors"
	"hash/crc32"
	"math/rand/v2"
	"syscall"
	"testing"
	"time"

	"gongji/engine/ledger"
)

func TestRoundTrip(t *testing.T) {
	r := rand.New(rand.NewPCG(1, 2))
	effects, plains, draws := 0, 0, 0
	for round := range 3000 {
		sequence := 1 + size(r, 43)
		fx := batch(r, sequence, r.IntN(3)*r.IntN(200))
		timeMS := int64(size(r, 64))
		prefix := bytes.Repeat([]byte{0xee}, round%3)
		block := Append(prefix, sequence, timeMS, fx)
		if !bytes.Equal(block[:len(prefix)], prefix) {
			t.Fatal("Append changed what was there")
		}
		block = block[len(prefix):]
		b, err := Decode(block)
		if err != nil {
			t.Fatal(err)
		}
		if b.Sequence != sequence || b.TimeMS != timeMS || b.Count != len(fx.List) {
			t.Fatalf("head %+v", b)
		}
		var got ledger.Effects
		if err := b.Effects(&got); err != nil {
			t.Fatal(err)
		}
		same(t, fx, &got)
		for range min(len(fx.List), 5) {
			i := r.IntN(len(fx.List))
			f, legs, items, err := Effect(block, i)
			if err != nil {
				t.Fatal(err)
			}
			sameEffect(t, i, fx, &f, legs, items)
			drawn, err := b.Draw(i)
			if err != nil {
				t.Fatal(err)
			}
			sameDraw(t, i, fx, drawn)
		}
		if again := Append(nil, sequence, timeMS, &got); !bytes.Equal(again, block) {
			t.Fatal("the same effects, laid out otherwise, gave other bytes")
		}
		for i := range fx.List {
			effects++
			if fx.List[i].DrawCount > 0 {
				draws++
			}
			if isPlain(&fx.List[i], fx.LegsOf(&fx.List[i])) {
				plains++
			}
		}
	}
	if plains < effects/4 || plains > effects*3/4 {
		t.Fatalf("vacuous: %d of %d effects in the short form", plains, effects)
	}
	if draws < effects/5 {
		t.Fatalf("vacuous: %d of %d effects with a draw", draws, effects)
	}
}

// TestTypicalSize holds the size the design counts on.
func TestTypicalSize(t *testing.T) {
	fx := typical(rand.New(rand.NewPCG(3, 4)), 50_000_000, 4096)
	if per := len(Append(nil, 50_000_000, 1, fx)) / len(fx.List); per > 32 {
		t.Errorf("%d bytes a settlement of one leg", per)
	}
}

// TestOneMeaningOneForm writes effects in forms that Append never chooses; all must be refused.
func TestOneMeaningOneForm(t *testing.T) {
	fx := &ledger.Effects{List: []ledger.Effect{{Kind: ledger.KindSettlement, Outcome: ledger.Accepted, Patient: 5, Cash: 9}}}
	f := &fx.List[0]
	forms := map[string]func(b []byte) []byte{
		"long form of a plain settlement": func(b []byte) []byte { return b[:putOther(b, 0, 7, f, nil, nil)] },
		"long varint":                     func(b []byte) []byte { return append(b[:0], byte(ledger.KindTick), 0b10, 0) },
		"field of 0":                      func(b []byte) []byte { return append(b[:0], byte(ledger.KindTick), hasFunding<<1|1, 1) },
		"named outcome accepted":          func(b []byte) []byte { return append(b[:0], byte(ledger.KindTick), hasOutcome<<1|1, 3) },
		"position in the future":          func(b []byte) []byte { return append(b[:0], byte(ledger.KindTick), hasFirst<<1|1, 9<<1|1, 1) },
		"no legs announced as legs":       func(b []byte) []byte { return append(b[:0], byte(ledger.KindTick), hasLegs<<1|1, 1) },
		"short form of another kind":      func(b []byte) []byte { return append(b[:0], plain|byte(ledger.KindTick), 1, 1, 1, 1, 1, 1, 1, 1) },
		"paid without legs":               func(b []byte) []byte { return append(b[:0], plain|byte(ledger.KindSettlement), 1, 1, 3, 1, 1, 1, 1, 1) },
		"empty draw":                      func(b []byte) []byte { b[0] = byte(ledger.KindTick); return b[:put(b, put(b, 1, hasDraw), 0)] },
		"rank beyond the draw": func(b []byte) []byte {
			return append(b[:0], plain|plainDrawn|byte(ledger.KindSettlement), 1, 1, 1, 1, 1, 1, 1, 1, 3, 3)
		},
		"draw announced and missing": func(b []byte) []byte {
			return append(b[:0], plain|plainDrawn|byte(ledger.KindSettlement), 1, 1, 1, 1, 1, 1, 1, 1)
		},
		"bytes left": func(b []byte) []byte { return append(b[:0], byte(ledger.KindTick), 1, 0) },
		"missing":    func(b []byte) []byte { return b[:0] },
	}
	good := func(b []byte) []byte { return append(b[:0], byte(ledger.KindTick), 1) }
	for name, form := range forms {
		if err := readAll(frame(7, form(make([]byte, 256)))); !errors.Is(err, ErrFormat) {
			t.Errorf("%s: %v", name, err)
		}
	}
	if err := readAll(frame(7, good(make([]byte, 256)))); err != nil {
		t.Errorf("the frame itself: %v", err)
	}
	block := frame(7, good(make([]byte, 256)))
	block[headBytes]++
	if err := readAll(resum(block)); !errors.Is(err, ErrFormat) {
		t.Errorf("index that lies: %v", err)
	}
}

// frame makes a block of one effect's bytes.
func frame(sequence uint64, effect []byte) []byte {
	b := make([]byte, headBytes+4, 512)
	binary.LittleEndian.PutUint32(b[4:], 1)
	binary.LittleEndian.PutUint64(b[8:], sequence)
	binary.LittleEndian.PutUint32(b[headBytes:], headBytes+4)
	return resum(append(append(b, effect...), 0, 0, 0, 0))
}

func resum(b []byte) []byte {
	n := len(b) - sumBytes
	binary.LittleEndian.PutUint32(b[n:], crc32.Checksum(b[:n], castagnoli))
	return b
}

func readAll(block []byte) error {
	b, err := Decode(block)
	if err != nil {
		return err
	}
	var fx ledger.Effects
	return b.Effects(&fx)
}

// TestDamage flips every bit of a block: none may pass.
func TestDamage(t *testing.T) {
	r := rand.New(rand.NewPCG(5, 6))
	block := Append(nil, 99, 1, batch(r, 99, 70))
	for i := range 8 * len(block) {
		block[i/8] ^= 1 << (i % 8)
		if _, err := Decode(block); !errors.Is(err, ErrFormat) {
			t.Fatalf("bit %d: %v", i, err)
		}
		block[i/8] ^= 1 << (i % 8)
	}
	for n := range block {
		if _, err := Decode(block[:n]); !errors.Is(err, ErrFormat) {
			t.Fatalf("cut to %d bytes: %v", n, err)
		}
	}
}

func TestImpossibleEffectsPanic(t *testing.T) {
	for name, fx := range map[string]*ledger.Effects{
		"account":  {List: []ledger.Effect{{Kind: 9, Outcome: 1, LegCount: 1}}, Legs: []ledger.Leg{{Account: 1 << 40}}},
		"position": {List: []ledger.Effect{{Kind: 9, Outcome: 1, LegCount: 1}}, Legs: []ledger.Leg{{Account: ledger.Account(1, 1), Prev: ledger.At(6, 0)}}},
		"rank":     {List: []ledger.Effect{{Kind: 14, Outcome: 1, DrawCount: 1}}, Draws: []ledger.Candidate{{Rank: 1}}},
		"kind":     {List: []ledger.Effect{{Kind: 200}}},
	} {
		func() {
			defer func() {
				if recover() == nil {
					t.Errorf("%s: accepted", name)
				}
			}()
			Append(nil, 5, 0, fx)
		}()
	}
}

func TestAppendAllocatesNothing(t *testing.T) {
	if raceEnabled {
		t.Log("allocations are not counted under the race detector")
		return
	}
	fx := typical(rand.New(rand.NewPCG(7, 8)), 50_000_000, 4096)
	buf := Append(nil, 50_000_000, 1, fx)
	if n := testing.AllocsPerRun(20, func() { buf = Append(buf[:0], 50_000_000, 1, fx) }); n != 0 {
		t.Errorf("%v allocations", n)
	}
}

// TestLink pins the chain against the plain definition, with sums of the sha256sum program.
func TestLink(t *testing.T) {
	const want = "9ae9643c496c7855b4d53fc80e44b1354c129411971b8929f91c3f77f2ade5ec" // (printf 'gongji effects 0'; head -c 32 /dev/zero; printf a) | sha256sum
	a := Link{}.Next([]byte("a"))
	if hex.EncodeToString(a[:]) != want {
		t.Errorf("first link %x, want %s", a, want)
	}
	if b := a.Next([]byte("a")); b == a || b == a.Next([]byte("b")) {
		t.Error("links do not depend on block and previous link")
	}
}

func FuzzDecode(f *testing.F) {
	r := rand.New(rand.NewPCG(9, 10))
	for range 20 {
		f.Add(Append(nil, 1+size(r, 40), 5, batch(r, 1, r.IntN(6))))
	}
	f.Fuzz(func(t *testing.T, data []byte) {
		if len(data) >= sumBytes { // let damage through to the effects
			data = resum(bytes.Clone(data))
		}
		b, err := Decode(data)
		if err != nil {
			return
		}
		if b.Count > 0 {
			_, _, _, _ = b.Effect(b.Count-1, nil, nil)
			_, _, _, _ = b.Effect(b.Count/2, nil, nil)
		}
		var fx ledger.Effects
		if b.Effects(&fx) != nil {
			return
		}
		if again := Append(nil, b.Sequence, b.TimeMS, &fx); !bytes.Equal(again, data) {
			t.Fatalf("accepted a block that encodes otherwise:\n%x\n%x", data, again)
		}
	})
}

func FuzzEffect(f *testing.F) {
	r := rand.New(rand.NewPCG(11, 12))
	for range 20 {
		fx := batch(r, 1<<30, 1)
		block := Append(nil, 1<<30, 5, fx)
		f.Add(block[headBytes+4:len(block)-sumBytes], uint64(1<<30))
	}
	f.Fuzz(func(t *testing.T, data []byte, sequence uint64) {
		var fx ledger.Effects
		r := reader{b: data}
		e := r.effect(sequence>>20, &fx)
		if !r.bad && len(r.b) > len(data) {
			t.Fatal("read backwards")
		}
		if len(fx.Legs) > len(data) || len(fx.Items) > len(data) || len(fx.Draws) > len(data) {
			t.Fatalf("%d bytes gave %d legs", len(data), len(fx.Legs))
		}
		_ = e
	})
}

// cpu is the processor time of the process: the machine may be shared.
func cpu() time.Duration {
	var u syscall.Rusage
	if err := syscall.Getrusage(syscall.RUSAGE_SELF, &u); err != nil {
		panic(err)
	}
	return time.Duration(u.Utime.Nano() + u.Stime.Nano())
}

// perSettlement reports processor time.
func perSettlement(b *testing.B, n int, f func()) {
	start := cpu()
	for b.Loop() {
		f()
	}
	b.ReportMetric(float64(cpu()-start)/float64(b.N)/float64(n), "cpu-ns/settlement")
}

func BenchmarkAppend(b *testing.B) {
	fx := typical(rand.New(rand.NewPCG(13, 14)), 50_000_000, 4096)
	buf := Append(nil, 50_000_000, 1, fx)
	perSettlement(b, 4096, func() { buf = Append(buf[:0], 50_000_000, 1, fx) })
	b.ReportMetric(float64(len(buf))/4096, "B/settlement")
}

func BenchmarkEffects(b *testing.B) {
	block, err := Decode(Append(nil, 50_000_000, 1, typical(rand.New(rand.NewPCG(13, 14)), 50_000_000, 4096)))
	if err != nil {
		b.Fatal(err)
	}
	var fx ledger.Effects
	perSettlement(b, 4096, func() {
		if err := block.Effects(&fx); err != nil {
			b.Fatal(err)
		}
	})
}

// BenchmarkEffect is one effect somewhere in a block.
func BenchmarkEffect(b *testing.B) {
	block, err := Decode(Append(nil, 50_000_000, 1, typical(rand.New(rand.NewPCG(13, 14)), 50_000_000, 4096)))
	if err != nil {
		b.Fatal(err)
	}
	legs, i := make([]ledger.Leg, 40), 0
	perSettlement(b, 1, func() {
		i = (i + 37) % 4096
		if _, _, _, err := block.Effect(i, legs, nil); err != nil {
			b.Fatal(err)
		}
	})
}

func BenchmarkNext(b *testing.B) {
	block := Append(nil, 50_000_000, 1, typical(rand.New(rand.NewPCG(13, 14)), 50_000_000, 4096))
	var l Link
	perSettlement(b, 4096, func() { l = l.Next(block) })
}
