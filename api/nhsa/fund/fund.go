package fund

import (
	"context"
	"errors"
	"fmt"

	"gongji/api/money"
	"gongji/api/nhsa/tabfile"
)

// ErrUnavailable says that the share could not be found out: no answer in time, an answer that makes no sense, or a share the bill does
// not have room for. Nothing is settled (R3); the same call may succeed later.
var ErrUnavailable = errors.New("fund calculator unavailable")

// ErrBill says that the bill itself is not one: a part is negative or too large. A retry makes no sense.
var ErrBill = errors.New("fund: not a bill")

// VersionMax is the longest Result.Version, in bytes.
const VersionMax = tabfile.VersionMax

// Bill is what a share depends on; nothing in it tells who the patient is. Amounts in fen, sums over the lines.
type Bill struct {
	Insutype        uint32 // 310, 390 ...
	MedType         uint32 // 11, 1103, 41 ...
	InstitutionType uint8  // fixmedins_type: 1, 2 ...
	HospLevel       uint8  // hosp_lv as a number, 0: none or not known
	Day             int32  // first day of the visit; days since 1970-01-01 at +08:00

	Fulamt, Overlmt, Preselfpay, Inscp int64
}

// Medfee is the bill's sum.
func (b *Bill) Medfee() int64 { return b.Fulamt + b.Overlmt + b.Preselfpay + b.Inscp }

func (b *Bill) check() error {
	for _, v := range [...]int64{b.Fulamt, b.Overlmt, b.Preselfpay, b.Inscp} {
		if v < 0 || v > money.Max {
			return fmt.Errorf("%w: a part of %d fen", ErrBill, v)
		}
	}
	if sum := b.Medfee(); sum > money.Max { // four times Max fits
		return fmt.Errorf("%w: %d fen together", ErrBill, sum)
	}
	return nil
}

// Result is a share. 0 <= Fund, 0 <= HospPart, Fund + HospPart <= the bill's sum.
type Result struct {
	Fund     int64  // fund_pay_sumamt without personal accounts, fen
	HospPart int64  // hosp_part_amt, fen
	Ratio    int64  // of the in-scope sum, 1e-4; 0 where the calculator names none
	Version  string // visible ASCII, 1 to VersionMax bytes: goes into the command with the result
}

func (r *Result) check(b *Bill) error {
	if sum := b.Medfee(); r.Fund < 0 || r.HospPart < 0 || r.HospPart > sum-r.Fund {
		return fmt.Errorf("%w: fund %d fen and institution %d fen of a bill of %d fen", ErrUnavailable, r.Fund, r.HospPart, sum)
	}
	return nil
}

// Calculator computes shares. Calls may come from any goroutine. The error is ErrUnavailable or ErrBill.
type Calculator interface {
	Calculate(ctx context.Context, b *Bill) (Result, error)
}

// None is the calculator of a place where the fund pays nothing through us.
type None struct{}

// Calculate gives 0.
func (None) Calculate(_ context.Context, b *Bill) (Result, error) {
	if err := b.check(); err != nil {
		return Result{}, err
	}
	return Result{Version: "none"}, nil
}
