package catalogue

import (
	"math"
	"math/bits"
)

// Units. A price times a count is in 1e-10 yuan; a fen is 1e8 of that.
const (
	ratioOne       = 10_000      // 1 in 1e-4
	productsPerFen = 100_000_000 // (1e-6 yuan x 1e-4) in a fen
)

// Classes of chrgitm_lv.
const (
	ClassA = 1
	ClassB = 2
	ClassC = 3
)

// ChargeOther is med_chrgitm_type 14: what an unknown code is answered with.
const ChargeOther = 14

// The values of Line.Approved: hosp_appr_flag.
const (
	NotNeeded uint8 = 0
	Approved  uint8 = 1
	Refused   uint8 = 2
	Absent    uint8 = 255
)

// Why tells what a line's parts rest on, for the memo of an answer.
type Why uint8

const (
	Listed         Why = iota // in the catalogue, class A or B
	OutsideList               // class C
	Unknown                   // no such code
	NotThatDay                // the code has no row on the line's day
	NotApproved               // restricted use, and nobody approved it
	RefusedByHouse            // the hospital refused it
)

// Line is a fee line. Counts in 1e-4, prices in 1e-6 yuan, amounts in fen. A returned line has a negative count and amount. Classify
// keeps nothing of it.
type Line struct {
	Code     []byte // med_list_codg
	Count    int64  // cnt
	Price    int64  // pric
	Amount   int64  // det_item_fee_sumamt
	Day      int32  // of fee_ocur_time, or of the settlement where there is none; days since 1970-01-01 at +08:00
	Approved uint8  // hosp_appr_flag
}

// Parts is a line's amount split: Fulamt + Overlmt + Preselfpay + Inscp = the line's Amount, each with its sign or 0. The rest is what
// the answer tells about the item.
type Parts struct {
	Fulamt     int64 // fulamt_ownpay_amt, fen
	Overlmt    int64 // overlmt_amt, fen
	Preselfpay int64 // preselfpay_amt, fen
	Inscp      int64 // inscp_scp_amt, fen

	CeilingPrice int64 // pric_uplmt_amt, 1e-6 yuan; 0: none
	SelfpayProp  int64 // selfpay_prop, 1e-4: 10000 where all is self-paid
	Level        uint8 // chrgitm_lv: 1, 2, 3
	ChargeType   uint8 // med_chrgitm_type
	Flags        Flags
	Why          Why
}

// Classify splits a line (R3): first the hospital's decision (nhsa-inpatient.md 4, row 14), then class C and unknown codes, which are wholly self-paid,
// then the part above the ceiling, then the first-borne share of what is left; the rest is within scope. It does not judge the line
// itself: see AmountAgrees. It allocates nothing.
func (c *Catalogue) Classify(l *Line) Parts {
	r, why := c.find(l.Code, l.Day)
	if r == nil {
		return Parts{Fulamt: l.Amount, SelfpayProp: ratioOne, Level: ClassC, ChargeType: ChargeOther, Why: why}
	}
	p := Parts{CeilingPrice: r.ceiling, SelfpayProp: int64(r.ratio), Level: r.level, ChargeType: r.charge, Flags: r.flags}
	if p.Why = judge(r, l.Approved); p.Why != Listed {
		p.Fulamt, p.SelfpayProp = l.Amount, ratioOne
		return p
	}
	amount := abs(l.Amount)
	over := overCeiling(amount, abs(l.Count), abs(l.Price), uint64(r.ceiling))
	left := amount - over
	first := mulRound(left, uint64(r.ratio), ratioOne)
	sign := int64(1)
	if l.Amount < 0 {
		sign = -1
	}
	p.Overlmt, p.Preselfpay, p.Inscp = sign*int64(over), sign*int64(first), sign*int64(left-first)
	return p
}

// judge applies hosp_appr_flag. Absent is read as "not needed": a restricted item then is self-paid, since no source lets the fund pay
// for one that nobody approved.
func judge(r *row, approved uint8) Why {
	switch {
	case r.level == ClassC:
		return OutsideList
	case approved == Refused:
		return RefusedByHouse
	case r.flags&Restricted != 0 && approved != Approved:
		return NotApproved
	}
	return Listed
}

// overCeiling is what of an amount lies above the ceiling. A price at or below the ceiling never does, whatever its rounding.
func overCeiling(amount, count, price, ceiling uint64) uint64 {
	if ceiling == 0 || price <= ceiling {
		return 0
	}
	allowed := mulRound(ceiling, count, productsPerFen)
	if allowed >= amount {
		return 0
	}
	return amount - allowed
}

// AmountAgrees tells whether |price x count - amount| <= 0.01 yuan (E5, R29), exactly, before any rounding. A negative price never agrees: a return
// has a negative count.
func (l *Line) AmountAgrees() bool {
	if l.Price < 0 || (l.Amount < 0) != (l.Count < 0) && l.Amount != 0 && l.Count != 0 {
		return false
	}
	hi, lo := bits.Mul64(uint64(l.Price), abs(l.Count))
	wantHi, wantLo := bits.Mul64(abs(l.Amount), productsPerFen)
	if hi < wantHi || hi == wantHi && lo < wantLo {
		hi, lo, wantHi, wantLo = wantHi, wantLo, hi, lo
	}
	lo, borrow := bits.Sub64(lo, wantLo, 0)
	hi, _ = bits.Sub64(hi, wantHi, borrow)
	return hi == 0 && lo <= productsPerFen
}

// mulRound is a x b / unit, rounded half up: the only place that rounds. What does not fit is the largest int64.
func mulRound(a, b, unit uint64) uint64 {
	hi, lo := bits.Mul64(a, b)
	lo, carry := bits.Add64(lo, unit/2, 0)
	if hi += carry; hi >= unit {
		return math.MaxInt64
	}
	q, _ := bits.Div64(hi, lo, unit)
	return min(q, math.MaxInt64)
}

// abs is right for the smallest int64 too.
func abs(v int64) uint64 {
	if v < 0 {
		return -uint64(v)
	}
	return uint64(v)
}
