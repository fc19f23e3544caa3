package tabfile

import (
	"fmt"
	"strings"
	"time"
)

// Row is one row. Its readers take the column's place in Spec.Columns; a value that is not what they want is a fault of the file, and
// they return the zero value.
type Row struct {
	Line   int // from 1
	reader *reader
	fields [][]byte
	bad    bool
}

// OK tells whether the row had no fault so far.
func (r *Row) OK() bool { return !r.bad }

// Fail records a fault of this row.
func (r *Row) Fail(column int, text string) {
	r.bad = true
	r.reader.fail(r.reader.spec.Columns[column], text)
}

// Null tells whether the value is empty.
func (r *Row) Null(column int) bool { return string(r.fields[column]) == null }

// Is tells whether the value is this word.
func (r *Row) Is(column int, word string) bool { return string(r.fields[column]) == word }

// Text reads a value of 1 to max bytes. The bytes are valid during the call of Read's row.
func (r *Row) Text(column, max int) []byte {
	b := r.fields[column]
	if len(b) == 0 || len(b) > max {
		r.Fail(column, fmt.Sprintf("has 1 to %d bytes, not %d", max, len(b)))
		return nil
	}
	return b
}

// Code reads a code of 1 to max visible ASCII characters.
func (r *Row) Code(column, max int) []byte {
	b := r.Text(column, max)
	for _, c := range b {
		if c <= ' ' || c > '~' {
			r.Fail(column, "is not visible ASCII")
			return nil
		}
	}
	if string(b) == null {
		r.Fail(column, "may not be null")
		return nil
	}
	return b
}

// Fixed reads a number from 0 to max in units of 10^-decimals: digits, with a point and at most so many digits behind it.
func (r *Row) Fixed(column, decimals int, max int64) int64 {
	b := r.fields[column]
	var v int64
	point := -1
	for i, c := range b {
		switch {
		case c == '.' && point < 0 && i > 0 && i < len(b)-1:
			point = i
			continue
		case c < '0' || c > '9', i == 1 && b[0] == '0', point >= 0 && i-point > decimals:
			r.Fail(column, fmt.Sprintf("is no number with at most %d decimals", decimals))
			return 0
		}
		if v = v*10 + int64(c-'0'); v > max {
			r.tooLarge(column, decimals, max)
			return 0
		}
	}
	if len(b) == 0 {
		r.Fail(column, fmt.Sprintf("is no number with at most %d decimals", decimals))
		return 0
	}
	behind := 0
	if point >= 0 {
		behind = len(b) - 1 - point
	}
	for ; behind < decimals; behind++ {
		if v = v * 10; v > max {
			r.tooLarge(column, decimals, max)
			return 0
		}
	}
	return v
}

func (r *Row) tooLarge(column, decimals int, max int64) {
	r.Fail(column, fmt.Sprintf("is above %d in units of 1e-%d", max, decimals))
}

// TwoDigits reads a code of exactly two digits, "01" to "99", as a number; anything else is a fault and 0.
func (r *Row) TwoDigits(column int) uint8 {
	b := r.fields[column]
	if len(b) != 2 || b[0] < '0' || b[0] > '9' || b[1] < '0' || b[1] > '9' || string(b) == "00" {
		r.Fail(column, "is 01 to 99")
		return 0
	}
	return (b[0]-'0')*10 + b[1] - '0'
}

// Flag reads 0 or 1.
func (r *Row) Flag(column int) bool {
	if !r.Is(column, "0") && !r.Is(column, "1") {
		r.Fail(column, "is 0 or 1")
	}
	return r.Is(column, "1")
}

// Day reads a date yyyy-mm-dd as days since 1970-01-01.
func (r *Row) Day(column int) int32 {
	at, err := time.Parse(time.DateOnly, string(r.fields[column]))
	if err != nil {
		r.Fail(column, "is no date yyyy-mm-dd")
		return 0
	}
	return int32(at.Unix() / (24 * 3600)) // whole days: the time is 00:00 UTC
}

// Fault is one thing wrong in a file. Column may be "".
type Fault struct {
	Line   int
	Column string
	Text   string
}

func (f Fault) String() string {
	if f.Column == "" {
		return fmt.Sprintf("line %d: %s", f.Line, f.Text)
	}
	return fmt.Sprintf("line %d: %s: %s", f.Line, f.Column, f.Text)
}

// Faults is all that is wrong in a file, at most 100 of it. It never repeats a value of the file.
type Faults []Fault

func (f Faults) Error() string {
	var b strings.Builder
	for i, x := range f {
		if i > 0 {
			b.WriteByte('\n')
		}
		b.WriteString(x.String())
	}
	if len(f) == faultsMax {
		b.WriteString("\nand perhaps more")
	}
	return b.String()
}
