package nhsa

import "context"

// Line is what of a fee line decides its parts.
type Line struct {
	Code     []byte // med_list_codg
	Count    int64  // cnt, in 1e-4
	Price    int64  // pric, in 1e-6 yuan
	Amount   int64  // det_item_fee_sumamt, fen
	Approved uint8  // hosp_appr_flag 0, 1, 2; ApprovedAbsent
	Day      int32  // on which the fee arose, since 1970-01-01
}

// ApprovedAbsent: a table without hosp_appr_flag.
const ApprovedAbsent = 255

// Parts are a line's amounts in fen, which add up to its amount, and what they were worked out with.
type Parts struct {
	Fulamt, Overlmt, Preselfpay, Inscp int64
	CeilingPrice                       int64 // 1e-6 yuan; 0: none
	SelfpayProp                        int64 // 1e-4
	Level                              uint8 // chrgitm_lv 1, 2, 3
	ChargeType                         uint8 // med_chrgitm_type, 0: not known
}

// Classifier works out the parts of a line by a dated catalogue (R3). Any goroutine; no allocation.
type Classifier interface {
	// Version names the catalogue; it goes into the command's personal fields.
	Version() string
	Classify(l *Line) Parts
}

// Bill is what decides the share of the pooled fund.
type Bill struct {
	MedType, Insutype          uint32
	InstitutionType, HospLevel uint8
	Day                        int32
	Medfee                     int64 // fen, as are the parts
	Fulamt, Overlmt            int64
	Preselfpay, Inscp          int64
}

// Result of a calculation. Fund and HospPart in fen, Ratio in 1e-4.
type Result struct {
	Fund, HospPart, Ratio int64
	Version               string
}

// Calculator works out the fund's share before the command is logged (R3). An error means that nobody could tell: nothing is settled.
type Calculator interface {
	Calculate(ctx context.Context, b *Bill) (Result, error)
}

// noCatalogue knows no code: full self-pay (R3).
type noCatalogue struct{}

func (noCatalogue) Version() string { return "none" }

func (noCatalogue) Classify(l *Line) Parts {
	return Parts{Fulamt: l.Amount, SelfpayProp: powers[percent], Level: 3}
}

// noFund pays nothing.
type noFund struct{}

func (noFund) Calculate(context.Context, *Bill) (Result, error) { return Result{Version: "none"}, nil }
