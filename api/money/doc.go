// Package money turns the text of an amount in yuan into int64 fen and back, exactly and without floats.
//
// The hot path (Parse, Append) is written by hand and allocates nothing. Ratios go through
// shopspring/decimal (MulRatio); a property test proves that the hand-made parser and decimal agree.
package money
