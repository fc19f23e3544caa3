package main

import (
	"bytes"
	"fmt"

	"gongji/api/money"
)

// fen is an amount in fen (1/100 yuan); on the wire it is yuan with two decimals.
type fen int64

// String is the amount in yuan with two decimals.
func (f fen) String() string {
	if f < 0 {
		return fmt.Sprintf("-%d.%02d", -f/100, -f%100)
	}
	return fmt.Sprintf("%d.%02d", f/100, f%100)
}

// MarshalText writes yuan with two decimals.
func (f fen) MarshalText() ([]byte, error) { return []byte(f.String()), nil }

// UnmarshalText reads yuan with two decimals; sums of the ledger may be negative.
func (f *fen) UnmarshalText(b []byte) error {
	digits, negative := bytes.CutPrefix(b, []byte{'-'})
	v, err := money.Parse(digits)
	if negative {
		v = -v
	}
	*f = fen(v)
	return err
}
