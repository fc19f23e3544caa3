package journal

import (
	"encoding/binary"
	"errors"
	"fmt"
	"hash/crc32"

	"gongji/engine/ledger"
)

// ErrFormat says that bytes are not a block of this format, or a damaged one.
var ErrFormat = errors.New("not a journal block of this format")

// BlockBytesMax is the largest block that is read: 16,384 commands (four times a batch) with 33 legs each at their longest take 29 MB.
const BlockBytesMax = 32 << 20

// Block is a block whose head and sum have been checked. It shares the memory it was decoded from and never changes it: any goroutine.
type Block struct {
	Sequence uint64
	TimeMS   int64
	Count    int // effects
	bytes    []byte
}

// Decode checks head and sum of a block and opens it; block must stay unchanged as long as the result is used. The effects themselves
// are checked when they are read.
func Decode(block []byte) (Block, error) {
	if len(block) < headBytes+sumBytes || len(block) > BlockBytesMax {
		return Block{}, fmt.Errorf("%w: %d bytes", ErrFormat, len(block))
	}
	if v := binary.LittleEndian.Uint32(block); v != FormatVersion {
		return Block{}, fmt.Errorf("%w: format %d, this build knows %d", ErrFormat, v, FormatVersion)
	}
	body := block[:len(block)-sumBytes]
	if want, got := binary.LittleEndian.Uint32(block[len(body):]), crc32.Checksum(body, castagnoli); want != got {
		return Block{}, fmt.Errorf("%w: sum %08x, expected %08x", ErrFormat, got, want)
	}
	b := Block{Count: int(binary.LittleEndian.Uint32(block[4:])), Sequence: binary.LittleEndian.Uint64(block[8:]),
		TimeMS: int64(binary.LittleEndian.Uint64(block[16:])), bytes: block}
	if b.Count > ledger.CommandsMax || b.firstOffset() > len(body) || b.Sequence>>44 != 0 {
		return Block{}, fmt.Errorf("%w: batch %d with %d effects in %d bytes", ErrFormat, b.Sequence, b.Count, len(block))
	}
	return b, nil
}

// Bytes is the block as it was decoded; do not change it.
func (b *Block) Bytes() []byte { return b.bytes }

func (b *Block) firstOffset() int { return headBytes + 4*((b.Count+stride-1)/stride) }

// seek opens the effects from index on, index a multiple of stride.
func (b *Block) seek(index int) reader {
	end := len(b.bytes) - sumBytes
	at := int(binary.LittleEndian.Uint32(b.bytes[headBytes+4*(index/stride):]))
	if at < b.firstOffset() || at > end {
		return reader{bad: true}
	}
	return reader{b: b.bytes[at:end]}
}

// Effect decodes one effect; its legs are appended to legs[:0] and its items to items[:0], which may be nil. index must be below Count.
// The effect's LegAt and ItemAt are 0. It reads at most stride effects.
func (b *Block) Effect(index int, legs []ledger.Leg, items []ledger.Item) (ledger.Effect, []ledger.Leg, []ledger.Item, error) {
	fx := ledger.Effects{Legs: legs[:0], Items: items[:0]}
	f, err := b.only(index, &fx)
	if err != nil {
		return ledger.Effect{}, nil, nil, err
	}
	return f, fx.Legs, fx.Items, nil
}

// Draw decodes the drawn order of one effect, nil if nothing was drawn. Errors and cost as Effect.
func (b *Block) Draw(index int) ([]ledger.Candidate, error) {
	var fx ledger.Effects
	if _, err := b.only(index, &fx); err != nil {
		return nil, err
	}
	return fx.Draws, nil
}

// only decodes one effect into fx, whose arenas then hold what is the effect's and nothing else.
func (b *Block) only(index int, fx *ledger.Effects) (f ledger.Effect, err error) {
	if index < 0 || index >= b.Count {
		return f, fmt.Errorf("%w: effect %d of %d in batch %d", ErrFormat, index, b.Count, b.Sequence)
	}
	r := b.seek(index &^ (stride - 1))
	for range index%stride + 1 {
		fx.Legs, fx.Items, fx.Draws = fx.Legs[:0], fx.Items[:0], fx.Draws[:0]
		f = r.effect(b.Sequence, fx)
	}
	if r.bad {
		return f, fmt.Errorf("%w: effect %d of batch %d", ErrFormat, index, b.Sequence)
	}
	return f, nil
}

// Effects decodes all effects into fx, reusing its memory, and checks that they fill the block exactly and that the index tells the truth:
// what it accepts, Append encodes to the same bytes.
func (b *Block) Effects(fx *ledger.Effects) error {
	fx.Reset(0, 0)
	r := reader{b: b.bytes[b.firstOffset() : len(b.bytes)-sumBytes]}
	for i := range b.Count {
		if i%stride == 0 {
			if s := b.seek(i); len(s.b) != len(r.b) {
				return fmt.Errorf("%w: index of batch %d, effect %d", ErrFormat, b.Sequence, i)
			}
		}
		f := r.effect(b.Sequence, fx)
		if r.bad {
			return fmt.Errorf("%w: effect %d of batch %d", ErrFormat, i, b.Sequence)
		}
		fx.List = append(fx.List, f)
	}
	if len(r.b) != 0 {
		return fmt.Errorf("%w: %d bytes after the last effect of batch %d", ErrFormat, len(r.b), b.Sequence)
	}
	return nil
}

// Effect decodes effect index of an encoded block, checking the block first.
func Effect(block []byte, index int) (ledger.Effect, []ledger.Leg, []ledger.Item, error) {
	b, err := Decode(block)
	if err != nil {
		return ledger.Effect{}, nil, nil, err
	}
	return b.Effect(index, nil, nil)
}

// effect reads one effect; legs, items and candidates are appended to fx.
func (r *reader) effect(sequence uint64, fx *ledger.Effects) (f ledger.Effect) {
	if len(r.b) == 0 {
		r.fail()
		return f
	}
	kind := r.b[0]
	r.b = r.b[1:]
	f.LegAt, f.ItemAt, f.DrawAt = uint32(len(fx.Legs)), uint32(len(fx.Items)), uint32(len(fx.Draws))
	if kind >= plain {
		if f.Kind = ledger.Kind(kind &^ (plain | plainDrawn)); f.Kind != ledger.KindSettlement {
			r.fail()
		}
		r.plain(sequence, &f, fx)
		if kind&plainDrawn != 0 {
			r.draw(&f, fx)
		}
		return f
	}
	f.Kind = ledger.Kind(kind)
	r.other(sequence, &f, fx)
	if !r.bad && isPlain(&f, fx.LegsOf(&f)) {
		r.fail()
	}
	return f
}

func (r *reader) plain(sequence uint64, f *ledger.Effect, fx *ledger.Effects) {
	f.Outcome = ledger.Accepted
	f.Patient, f.Institution = uint32(r.number(1<<32-1)), uint32(r.number(1<<32-1))
	f.Own, f.Mulaid = int64(r.any()), int64(r.any())
	f.Payable = r.signed() + f.Own + f.Mulaid
	f.Cash = int64(r.any())
	f.LegCount = r.count(legBytesMin - 1)
	own, last := ledger.Account(ledger.KindPersonal, f.Patient), -f.Own-f.Mulaid
	if f.LegCount == 0 && last != 0 {
		r.fail()
	}
	for i := range f.LegCount {
		l := ledger.Leg{Account: r.account(f.Patient), Amount: last}
		if i < f.LegCount-1 {
			l.Amount = r.signed()
			last -= l.Amount
		}
		l.After, l.Prev = int64(r.any()), r.position(sequence)
		if l.Account == own {
			f.Balc = l.After
		}
		fx.Legs = append(fx.Legs, l)
	}
	f.Balc += r.signed()
	if f.Chained() {
		f.Prev = r.position(sequence)
	}
}

func (r *reader) other(sequence uint64, f *ledger.Effect, fx *ledger.Effects) {
	mask := r.number(maskAll)
	// field reads a field that the mask announces; it may not be 0.
	field := func(m, most uint64) uint64 {
		if mask&m == 0 {
			return 0
		}
		x := r.number(most)
		if x == 0 {
			r.fail()
		}
		return x
	}
	f.Outcome = ledger.Accepted
	if mask&hasOutcome != 0 {
		if f.Outcome = ledger.Outcome(r.number(1<<16 - 1)); f.Outcome == ledger.Accepted {
			r.fail()
		}
	}
	f.Funding = int64(field(hasFunding, 1<<64-1))
	f.Source = uint8(field(hasSource, 1<<8-1))
	if mask&hasFirst != 0 {
		if f.First = r.position(sequence); f.First == 0 {
			r.fail()
		}
	}
	f.Patient, f.Institution = uint32(field(hasPatient, 1<<32-1)), uint32(field(hasInstitution, 1<<32-1))
	f.Number, f.Run = uint32(field(hasNumber, 1<<32-1)), uint32(field(hasRun, 1<<32-1))
	for _, v := range [...]struct {
		mask uint64
		dst  *int64
	}{{hasPayable, &f.Payable}, {hasOwn, &f.Own}, {hasMulaid, &f.Mulaid}, {hasCash, &f.Cash}, {hasBalc, &f.Balc}} {
		*v.dst = int64(field(v.mask, 1<<64-1))
	}
	if mask&hasPrev != 0 {
		if f.Prev = r.position(sequence); f.Prev == 0 {
			r.fail()
		}
	}
	if mask&hasVisit != 0 {
		if f.Visit = r.position(sequence); f.Visit == 0 {
			r.fail()
		}
	}
	if mask&hasLegs != 0 {
		r.legs(sequence, f, fx)
	}
	if mask&hasItems != 0 {
		r.items(f, fx)
	}
	if mask&hasAreas != 0 {
		r.areas(f, fx.LegsOf(f))
	}
	if mask&hasDraw != 0 {
		r.draw(f, fx)
	}
}

// draw reads a drawn order, which is not empty.
func (r *reader) draw(f *ledger.Effect, fx *ledger.Effects) {
	n := r.count(drawBytesMin)
	if n == 0 || n > ledger.RelativesMax {
		r.fail()
		return
	}
	f.DrawCount = uint8(n)
	for range n {
		code := r.any()
		rank, person := code&(1<<rankBits-1), unzigzag(code>>rankBits)+int64(f.Patient)
		if rank >= uint64(n) || person < 0 || person > 1<<32-1 {
			r.fail()
		}
		fx.Draws = append(fx.Draws, ledger.Candidate{Person: uint32(person), Rank: uint8(rank)})
	}
}

func (r *reader) legs(sequence uint64, f *ledger.Effect, fx *ledger.Effects) {
	if f.LegCount = r.count(legBytesMin); f.LegCount == 0 {
		r.fail()
	}
	for range f.LegCount {
		fx.Legs = append(fx.Legs, ledger.Leg{Account: r.account(f.Patient), Amount: r.signed(), After: int64(r.any()), Prev: r.position(sequence)})
	}
}

// areas reads the areas of patient and payers; one at least is there.
func (r *reader) areas(f *ledger.Effect, legs []ledger.Leg) {
	f.Area = uint32(r.number(1<<32 - 1))
	any := f.Area
	for i := range legs {
		legs[i].Area = uint32(r.number(1<<32 - 1))
		any |= legs[i].Area
	}
	if any == 0 {
		r.fail()
	}
}

func (r *reader) items(f *ledger.Effect, fx *ledger.Effects) {
	if f.ItemCount = r.count(itemBytesMin); f.ItemCount == 0 {
		r.fail()
	}
	for range f.ItemCount {
		i := ledger.Item{Binding: uint32(r.number(1<<32 - 1)), Outcome: ledger.Outcome(r.number(1<<16 - 1))}
		i.Earliest = int32(unzigzag(r.number(1<<32 - 1)))
		fx.Items = append(fx.Items, i)
	}
}

// Fewest bytes of a leg, an item and a candidate.
const (
	legBytesMin  = 4
	itemBytesMin = 3
	drawBytesMin = 1
)

// count reads how many legs or items follow: never more than the rest of the block can hold, so that damage cannot ask for memory.
func (r *reader) count(bytesMin int) uint16 {
	n := r.number(1<<16 - 1)
	if n > 0 && int(n)*bytesMin > len(r.b) {
		return uint16(r.fail())
	}
	return uint16(n)
}

func (r *reader) account(patient uint32) ledger.AccountID {
	code := r.any()
	kind := ledger.AccountKind(code & (1<<accountKindBits - 1))
	number := unzigzag(code>>accountKindBits) + int64(patient)
	if kind == 0 || number < 0 || number > 1<<32-1 {
		r.fail()
		return 0
	}
	return ledger.Account(kind, uint32(number))
}

func (r *reader) position(sequence uint64) ledger.Position {
	ago := r.any()
	if ago == 0 {
		return 0
	}
	index := r.number(ledger.CommandsMax - 1)
	if ago > sequence {
		r.fail()
		return 0
	}
	return ledger.At(sequence-ago+1, int(index))
}
