package strictjson

import (
	"errors"

	"gongji/api/money"
)

// Token reads an id or code of 1 to max visible ASCII characters (no space).
func (d *Decoder) Token(max int) []byte {
	if s := d.visible(max); s != nil {
		return s
	}
	s := d.String(max, max)
	if d.failed {
		return nil
	}
	for _, c := range s {
		if c <= ' ' || c >= 0x7f {
			d.fail(CodeBadValue, d.pos)
			return nil
		}
	}
	if len(s) == 0 {
		d.fail(CodeBadValue, d.pos)
		return nil
	}
	return s
}

// Digits reads a numeric code: a string of min to max ASCII digits, such as "310".
func (d *Decoder) Digits(min, max int) []byte {
	s := d.visible(max)
	if s == nil {
		s = d.String(max, max)
	}
	if d.failed {
		return nil
	}
	ok := len(s) >= min
	for _, c := range s {
		ok = ok && c-'0' <= 9
	}
	if !ok {
		d.fail(CodeBadValue, d.pos)
		return nil
	}
	return s
}

// enumMax bounds the text of an enum: longer ones are refused before they are compared.
const enumMax = 64

// Enum reads a string that is one of e's values and returns its index there; -1 on error.
func (d *Decoder) Enum(e *Enum) int {
	s := d.visible(enumMax)
	if s == nil {
		s = d.String(enumMax, enumMax)
	}
	if d.failed {
		return -1
	}
	for i, v := range e.values {
		if v == string(s) {
			return i
		}
	}
	d.fail(CodeBadValue, d.pos)
	return -1
}

// Bool reads true or false.
func (d *Decoder) Bool() bool {
	if !d.value() {
		return false
	}
	switch {
	case d.literal("true"):
		d.pos += len("true")
		return true
	case d.literal("false"):
		d.pos += len("false")
	default:
		d.wrongType()
	}
	return false
}

// Null reads null if that is the value due, and tells so. It is the way by which a field says that
// it may be null; every other reader refuses it.
func (d *Decoder) Null() bool {
	if d.failed || !d.pending {
		return false
	}
	if _, ok := d.peek(); !ok || !d.literal("null") {
		return false
	}
	d.pending = false
	d.pos += len("null")
	return true
}

// intDigitsMax keeps Int far from overflow: counts and years, never money.
const intDigitsMax = 15

// Int reads a JSON number between min and max: digits with an optional minus, no leading zero, no
// fraction, no exponent, no "-0".
func (d *Decoder) Int(min, max int64) int64 {
	if !d.value() {
		return 0
	}
	start := d.pos
	i := start
	if d.data[i] == '-' {
		i++
	}
	first, v := i, int64(0)
	for i < len(d.data) && d.data[i]-'0' <= 9 {
		if i-first < intDigitsMax {
			v = v*10 + int64(d.data[i]-'0')
		}
		i++
	}
	digits, negative := i-first, first > start
	switch {
	case digits == 0 && !negative:
		d.wrongType()
		return 0
	case digits == 0, digits > 1 && d.data[first] == '0':
		d.fail(CodeMalformed, start)
		return 0
	case i < len(d.data) && (d.data[i] == '.' || d.data[i]|0x20 == 'e'):
		d.fail(CodeWrongType, start)
		return 0
	}
	if negative {
		v = -v
	}
	if digits > intDigitsMax || v < min || v > max || (negative && v == 0) {
		d.fail(CodeBadValue, start)
		return 0
	}
	d.pos = i
	return v
}

// amountCharsMax lets an amount be long enough for money.Parse to tell why it is wrong.
const amountCharsMax = 64

// Amount reads a string of yuan ("184.00", at most two decimals) and returns fen. A JSON number is
// refused as wrong_type; other errors have the codes of money.Error.
func (d *Decoder) Amount() int64 {
	s := d.visible(amountCharsMax)
	if s == nil {
		s = d.String(amountCharsMax, amountCharsMax)
	}
	if d.failed {
		return 0
	}
	fen, err := money.Parse(s)
	if err != nil {
		var why money.Error
		errors.As(err, &why)
		d.fail(Code(why.Code()), d.pos)
		return 0
	}
	return fen
}
