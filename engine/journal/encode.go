package journal

import (
	"encoding/binary"
	"fmt"
	"hash/crc32"

	"gongji/engine/ledger"
)

// A block is what one batch did. Little-endian:
//
//	0   format    u32  FormatVersion
//	4   count     u32  effects
//	8   sequence  u64
//	16  time      i64  ms since 1970 UTC, of the batch
//	24  index     u32 for every stride-th effect: its offset in the block
//	..  effects   end to end, in log order
//	-4  sum       u32  CRC-32C of everything before
//
// DESIGN.md describes an effect.
const (
	FormatVersion = 0
	headBytes     = 24
	sumBytes      = 4

	// stride of the index: reading one effect decodes at most this many; 4 bytes for 64 effects of some 30 bytes are 0.2 %.
	stride = 64
)

// Most bytes of the parts of an effect, for making room once an effect instead of once a number.
const (
	fieldBytesMax = 4 + 22*numberBytesMax // kind, mask, and 21 numbers at most
	legBytesMax   = 6 * numberBytesMax    // account, amount, after, two for the position, area
	itemBytesMax  = 3 * numberBytesMax
	drawBytesMax  = numberBytesMax // one candidate
)

var castagnoli = crc32.MakeTable(crc32.Castagnoli)

// Append encodes the effects of a batch behind dst and returns the extended slice. It is a pure function of sequence, time and effects
// in log order: where legs, items and candidates lie in their arenas does not matter. It keeps nothing and allocates only to grow dst.
// An effect that no command can have (DESIGN.md) is a bug and panics.
func Append(dst []byte, sequence uint64, timeMS int64, fx *ledger.Effects) []byte {
	start, count := len(dst), len(fx.List)
	at := start + headBytes + 4*((count+stride-1)/stride)
	b := reserve(dst, at-start+sumBytes)
	binary.LittleEndian.PutUint32(b[start:], FormatVersion)
	binary.LittleEndian.PutUint32(b[start+4:], uint32(count))
	binary.LittleEndian.PutUint64(b[start+8:], sequence)
	binary.LittleEndian.PutUint64(b[start+16:], uint64(timeMS))
	for i := range fx.List {
		f := &fx.List[i]
		legs, items, drawn := fx.LegsOf(f), fx.ItemsOf(f), fx.DrawOf(f)
		if room := fieldBytesMax + len(legs)*legBytesMax + len(items)*itemBytesMax + len(drawn)*drawBytesMax + sumBytes; len(b)-at < room {
			b = reserve(b[:at], room)
		}
		if i%stride == 0 {
			binary.LittleEndian.PutUint32(b[start+headBytes+4*(i/stride):], uint32(at-start))
		}
		if isPlain(f, legs) {
			at = putPlain(b, at, sequence, f, legs)
		} else {
			at = putOther(b, at, sequence, f, legs, items)
		}
		if len(drawn) != 0 {
			at = putDraw(b, at, f.Patient, drawn)
		}
	}
	binary.LittleEndian.PutUint32(b[at:], crc32.Checksum(b[start:at], castagnoli))
	return b[:at+sumBytes]
}

// reserve returns b extended to its capacity, which has room for at least n more bytes.
func reserve(b []byte, n int) []byte {
	if cap(b)-len(b) < n {
		grown := make([]byte, len(b), max(2*cap(b), len(b)+n, 4096))
		copy(grown, b)
		b = grown
	}
	return b[:cap(b)]
}

// Bits of the kind byte of the short form.
const (
	plain      = 0x80 // an accepted settlement in the short form
	plainDrawn = 0x40 // its drawn order follows: 9 in 10 settlements draw nothing, so a count would be a byte for nothing
)

// isPlain reports whether an effect takes the short form: an accepted settlement inside one pooling area whose legs add up to what was paid. All do; one that
// were not would be written in full, and told apart from them for ever.
func isPlain(f *ledger.Effect, legs []ledger.Leg) bool {
	if f.Kind != ledger.KindSettlement || f.Outcome != ledger.Accepted ||
		f.Number|f.Run|f.Area|uint32(f.Source)|uint32(f.ItemCount) != 0 || uint64(f.First)|uint64(f.Visit)|uint64(f.Funding) != 0 || f.Prev != 0 && !f.Chained() {
		return false
	}
	paid, areas := f.Own+f.Mulaid, uint32(0)
	for i := range legs {
		paid += legs[i].Amount
		areas |= legs[i].Area
	}
	return paid == 0 && areas == 0
}

// putPlain leaves out what the legs tell: the last leg's amount; the payable is the distance from what was paid (0 when accounts
// suffice), the own balance the distance from that after the own leg (always 0, but for those who have none).
func putPlain(b []byte, at int, sequence uint64, f *ledger.Effect, legs []ledger.Leg) int {
	b[at] = plain | byte(f.Kind)
	if f.DrawCount != 0 {
		b[at] |= plainDrawn
	}
	at = put(b, at+1, uint64(f.Patient))
	at = put(b, at, uint64(f.Institution))
	at = put(b, at, uint64(f.Own))
	at = put(b, at, uint64(f.Mulaid))
	at = put(b, at, zigzag(f.Payable-f.Own-f.Mulaid))
	at = put(b, at, uint64(f.Cash))
	at = put(b, at, uint64(len(legs)))
	own, balc := ledger.Account(ledger.KindPersonal, f.Patient), int64(0)
	for i := range legs {
		l := &legs[i]
		at = put(b, at, accountCode(l.Account, f.Patient))
		if i < len(legs)-1 {
			at = put(b, at, zigzag(l.Amount))
		}
		at = put(b, at, uint64(l.After))
		at = putPosition(b, at, sequence, l.Prev)
		if l.Account == own {
			balc = l.After
		}
	}
	at = put(b, at, zigzag(f.Balc-balc))
	if f.Chained() {
		at = putPosition(b, at, sequence, f.Prev)
	}
	return at
}

// Bits of the mask of the long form: the fields that are not 0, in the order in which they are written.
const (
	hasOutcome = 1 << iota // not accepted
	hasLegs
	hasFunding
	hasSource
	hasFirst
	hasPatient
	hasInstitution
	hasNumber
	hasRun
	hasPayable
	hasOwn
	hasMulaid
	hasCash
	hasBalc
	hasItems
	hasDraw
	hasPrev
	hasAreas // of the patient, then of each leg's payer
	hasVisit
	maskAll = 1<<iota - 1
)

func bit(mask uint64, present bool) uint64 {
	if present {
		return mask
	}
	return 0
}

func maskOf(f *ledger.Effect, legs []ledger.Leg) uint64 {
	areas := f.Area
	for i := range legs {
		areas |= legs[i].Area
	}
	return bit(hasOutcome, f.Outcome != ledger.Accepted) | bit(hasLegs, f.LegCount != 0) | bit(hasFunding, f.Funding != 0) |
		bit(hasSource, f.Source != 0) | bit(hasFirst, f.First != 0) | bit(hasPatient, f.Patient != 0) |
		bit(hasInstitution, f.Institution != 0) | bit(hasNumber, f.Number != 0) | bit(hasRun, f.Run != 0) |
		bit(hasPayable, f.Payable != 0) | bit(hasOwn, f.Own != 0) | bit(hasMulaid, f.Mulaid != 0) | bit(hasCash, f.Cash != 0) |
		bit(hasBalc, f.Balc != 0) | bit(hasItems, f.ItemCount != 0) | bit(hasDraw, f.DrawCount != 0) | bit(hasPrev, f.Prev != 0) | bit(hasAreas, areas != 0) | bit(hasVisit, f.Visit != 0)
}

func putOther(b []byte, at int, sequence uint64, f *ledger.Effect, legs []ledger.Leg, items []ledger.Item) int {
	if f.Kind >= plain {
		panic(fmt.Sprintf("BUG: effect of kind %d in batch %d", f.Kind, sequence))
	}
	mask := maskOf(f, legs)
	b[at] = byte(f.Kind)
	at = put(b, at+1, mask)
	values := [...]uint64{uint64(f.Outcome), 0, uint64(f.Funding), uint64(f.Source), 0, uint64(f.Patient), uint64(f.Institution),
		uint64(f.Number), uint64(f.Run), uint64(f.Payable), uint64(f.Own), uint64(f.Mulaid), uint64(f.Cash), uint64(f.Balc)}
	for i, v := range values {
		switch m := uint64(1) << i; {
		case mask&m == 0 || m == hasLegs:
		case m == hasFirst:
			at = putPosition(b, at, sequence, f.First)
		default:
			at = put(b, at, v)
		}
	}
	if f.Prev != 0 {
		at = putPosition(b, at, sequence, f.Prev)
	}
	if f.Visit != 0 {
		at = putPosition(b, at, sequence, f.Visit)
	}
	if len(legs) != 0 {
		at = put(b, at, uint64(len(legs)))
		for i := range legs {
			l := &legs[i]
			at = put(b, at, accountCode(l.Account, f.Patient))
			at = put(b, at, zigzag(l.Amount))
			at = put(b, at, uint64(l.After))
			at = putPosition(b, at, sequence, l.Prev)
		}
	}
	if len(items) != 0 {
		at = put(b, at, uint64(len(items)))
		for i := range items {
			at = put(b, at, uint64(items[i].Binding))
			at = put(b, at, uint64(items[i].Outcome))
			at = put(b, at, zigzag(int64(items[i].Earliest)))
		}
	}
	if mask&hasAreas != 0 {
		at = put(b, at, uint64(f.Area))
		for i := range legs {
			at = put(b, at, uint64(legs[i].Area))
		}
	}
	return at
}

// rankBits hold a rank: RelativesMax is 32.
const rankBits = 5

// putDraw writes the drawn order: of each candidate his distance from the patient's number and his rank, as one number.
func putDraw(b []byte, at int, patient uint32, drawn []ledger.Candidate) int {
	at = put(b, at, uint64(len(drawn)))
	for _, c := range drawn {
		if int(c.Rank) >= len(drawn) || len(drawn) > ledger.RelativesMax {
			panic(fmt.Sprintf("BUG: rank %d of %d candidates", c.Rank, len(drawn)))
		}
		at = put(b, at, zigzag(int64(c.Person)-int64(patient))<<rankBits|uint64(c.Rank))
	}
	return at
}

const accountKindBits = 3

// accountCode is the account by its distance from the patient's number: the own account takes one byte, relatives enrolled together two.
func accountCode(a ledger.AccountID, patient uint32) uint64 {
	kind := a.Kind()
	if a != ledger.Account(kind, a.Number()) || kind == 0 || kind >= 1<<accountKindBits {
		panic(fmt.Sprintf("BUG: leg on account %x", uint64(a)))
	}
	return zigzag(int64(a.Number())-int64(patient))<<accountKindBits | uint64(kind)
}

// putPosition writes 0 for no position, else how many batches ago + 1, and the index.
func putPosition(b []byte, at int, sequence uint64, p ledger.Position) int {
	if p == 0 {
		b[at] = 1 // the number 0
		return at + 1
	}
	if p.Sequence() == 0 || p.Sequence() > sequence {
		panic(fmt.Sprintf("BUG: batch %d names position %d in batch %d", sequence, p.Index(), p.Sequence()))
	}
	at = put(b, at, sequence-p.Sequence()+1)
	return put(b, at, uint64(p.Index()))
}
