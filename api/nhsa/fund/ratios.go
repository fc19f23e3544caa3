package fund

import (
	"context"
	"fmt"
	"io"
	"math"

	"gongji/api/nhsa/tabfile"
)

// Limits. RatioRowsMax is ours: a few insurances times some thirty kinds of care times a few levels and years; the table is walked for
// every bill.
const (
	RatioRowsMax = 1000
	insutypeMax  = 999_999 // C6
	medTypeMax   = 999_999 // C6
	smallMax     = 99      // fixmedins_type, hosp_lv
	ratioOne     = 10_000  // 1 in 1e-4
)

const ratiosKind = "gongji fund ratios 1"

var ratioColumns = []string{"insutype", "med_type", "fixmedins_type", "hosp_lv", "begndate", "enddate", "fund_ratio"}

// any4 is a key that fits every bill.
const any4 = -1

// ratioRow is a ratio for the bills that all its keys fit.
type ratioRow struct {
	keys        [4]int32 // insutype, med_type, fixmedins_type, hosp_lv; any4
	from, until int32    // both included
	ratio       int64
	line        int
}

// Ratios is the fixed-ratio calculator: a share of the in-scope sum by kind of care and insurance. It does not change after LoadRatios.
type Ratios struct {
	version string
	rows    []ratioRow
}

// LoadRatios reads a table of ratios (format: DESIGN.md). The error is tabfile.Faults or r's own.
func LoadRatios(r io.Reader) (*Ratios, error) {
	t := &Ratios{}
	version, err := tabfile.Read(r, tabfile.Spec{Kind: ratiosKind, Columns: ratioColumns, RowsMax: RatioRowsMax}, func(in *tabfile.Row) {
		row := parseRatio(in)
		for i := range t.rows {
			if in.OK() && t.rows[i].covers(&row) {
				in.Fail(0, fmt.Sprintf("line %d fits every bill that this row fits: it would never count", t.rows[i].line))
			}
		}
		if in.OK() {
			t.rows = append(t.rows, row)
		}
	})
	if err != nil {
		return nil, err
	}
	t.version = version
	return t, nil
}

func parseRatio(in *tabfile.Row) ratioRow {
	row := ratioRow{line: in.Line}
	for i, most := range [...]int64{insutypeMax, medTypeMax, smallMax, smallMax} {
		if row.keys[i] = any4; !in.Is(i, "any") {
			row.keys[i] = int32(in.Fixed(i, 0, most))
		}
	}
	row.from, row.until = in.Day(4), math.MaxInt32
	if !in.Null(5) {
		if row.until = in.Day(5); row.until < row.from {
			in.Fail(5, "is before begndate")
		}
	}
	row.ratio = in.Fixed(6, 4, ratioOne)
	return row
}

func (r *ratioRow) covers(other *ratioRow) bool {
	for i, k := range r.keys {
		if k != any4 && k != other.keys[i] {
			return false
		}
	}
	return r.from <= other.from && other.until <= r.until
}

// Calculate takes the first row that fits; a bill that none fits gets nothing from the fund.
func (t *Ratios) Calculate(_ context.Context, b *Bill) (Result, error) {
	if err := b.check(); err != nil {
		return Result{}, err
	}
	if b.Insutype > insutypeMax || b.MedType > medTypeMax {
		return Result{}, fmt.Errorf("%w: insutype %d, med_type %d", ErrBill, b.Insutype, b.MedType)
	}
	asked := ratioRow{keys: [4]int32{int32(b.Insutype), int32(b.MedType), int32(b.InstitutionType), int32(b.HospLevel)}, from: b.Day, until: b.Day}
	for i := range t.rows {
		if r := &t.rows[i]; r.covers(&asked) {
			return Result{Fund: share(b.Inscp, r.ratio), Ratio: r.ratio, Version: t.version}, nil
		}
	}
	return Result{Version: t.version}, nil
}

// Version is the file's name and the start of its hash.
func (t *Ratios) Version() string { return t.version }

// share is fen x ratio, rounded half up. fen is at most money.Max, so the product of 1e16 and 1e4 needs care: it does not fit 64 bits.
func share(fen, ratio int64) int64 {
	whole, rest := fen/ratioOne, fen%ratioOne
	return whole*ratio + (rest*ratio+ratioOne/2)/ratioOne
}
