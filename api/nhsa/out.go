package nhsa

import (
	"gongji/api/money"
	"gongji/api/strictjson"
)

// out writes an answer. Names are constants of ours. Text is C, D and DT of the tables; numbers are JSON numbers with all decimals of their
// table. Every output table has a test that holds the answers against it.
type out struct {
	b     []byte
	later int // place of respond_time
	comma bool
}

func (o *out) reset() { o.b, o.comma = o.b[:0], false }

func (o *out) sep() {
	if o.comma {
		o.b = append(o.b, ',')
	}
	o.comma = true
}

func (o *out) key(name string) {
	o.sep()
	o.b = append(o.b, '"')
	o.b = append(o.b, name...)
	o.b = append(o.b, '"', ':')
}

// open begins a row of a list, or the whole.
func (o *out) open() { o.sep(); o.b = append(o.b, '{'); o.comma = false }

func (o *out) begin(name string) { o.key(name); o.b = append(o.b, '{'); o.comma = false }

func (o *out) end() { o.b = append(o.b, '}'); o.comma = true }

func (o *out) list(name string) { o.key(name); o.b = append(o.b, '['); o.comma = false }

func (o *out) endList() { o.b = append(o.b, ']'); o.comma = true }

func (o *out) text(name string, v []byte) { o.key(name); o.b = strictjson.AppendString(o.b, v) }

func (o *out) str(name, v string) { o.key(name); o.b = strictjson.AppendString(o.b, v) }

// blank writes fields of text that nothing is known about.
func (o *out) blank(names ...string) {
	for _, n := range names {
		o.key(n)
		o.b = append(o.b, '"', '"')
	}
}

// money writes fen as yuan.
func (o *out) money(name string, v int64) { o.key(name); o.b = money.Append(o.b, v) }

// zeros writes amounts that are 0 in every settlement of ours.
func (o *out) zeros(names ...string) {
	for _, n := range names {
		o.money(n, 0)
	}
}

func (o *out) num(name string, v int64, scale int) { o.key(name); o.b = appendNumber(o.b, v, scale) }

func (o *out) code(name string, v uint32) {
	o.key(name)
	o.b = append(appendCode(append(o.b, '"'), v), '"')
}

// code2 writes a code of two digits or more that is kept in a byte: chrgitm_lv, med_chrgitm_type.
func (o *out) code2(name string, v uint8) {
	if v == 0 {
		o.blank(name)
		return
	}
	o.code(name, uint32(v))
}

func (o *out) day(name string, v int64) {
	o.key(name)
	o.b = append(appendDay(append(o.b, '"'), v), '"')
}

func (o *out) moment(name string, ms int64) {
	o.key(name)
	o.b = append(appendMoment(append(o.b, '"'), ms), '"')
}
