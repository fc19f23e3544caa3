package catalogue

import (
	"cmp"
	"fmt"
	"io"
	"math"
	"slices"
	"strings"

	"gongji/api/nhsa/tabfile"
)

// Limits. RowsMax is ours: no source tells how long a province's list is; two million rows take about 150 MiB and load in eight seconds.
// CodeMax and nameMax are the fields' lengths (nhsa-interface.md 1.9; a Chinese character has 3 bytes).
const (
	RowsMax    = 2_000_000
	CodeMax    = 50
	nameMax    = 200 * 3
	ceilingMax = 9_999_999_999_999_999 // 16,6 in 1e-6 yuan
)

// VersionMax is the longest Version, in bytes.
const VersionMax = tabfile.VersionMax

const kind = "gongji catalogue 1"

// The columns of the file, in their order. DESIGN.md says what each holds.
const (
	colCode = iota
	colName
	colBegin
	colEnd
	colLevel
	colType
	colRatio
	colCeiling
	colRestricted
	colEssential
	colNegotiated
	colChildren
	colSpecial
	colDirect
)

var columns = []string{"med_list_codg", "name", "begndate", "enddate", "chrgitm_lv", "med_chrgitm_type", "selfpay_prop", "pric_uplmt_amt",
	"lmt_used_flag", "bas_medn_flag", "hi_nego_drug_flag", "chld_medc_flag", "list_sp_item_flag", "drt_reim_flag"}

// Flags of an item as 2204 answers them.
type Flags uint8

const (
	Restricted Flags = 1 << iota // lmt_used_flag
	Essential                    // bas_medn_flag
	Negotiated                   // hi_nego_drug_flag
	Children                     // chld_medc_flag
	Special                      // list_sp_item_flag
	Direct                       // drt_reim_flag
)

var flagColumns = [...]struct {
	column int
	flag   Flags
}{{colRestricted, Restricted}, {colEssential, Essential}, {colNegotiated, Negotiated}, {colChildren, Children}, {colSpecial, Special}, {colDirect, Direct}}

// row is an item during some days.
type row struct {
	ceiling     int64 // 1e-6 yuan, 0: none
	from, until int32 // days since 1970-01-01, both included
	ratio       int16 // 1e-4
	level       uint8
	charge      uint8
	flags       Flags
}

// span is where a code's rows are, by ascending date.
type span struct{ first, count int32 }

// Catalogue is a loaded file. It does not change after Load: any goroutine may use it.
type Catalogue struct {
	version string
	index   map[string]span
	rows    []row
}

// Load reads a catalogue file (format: DESIGN.md). The error is tabfile.Faults, all that is wrong with line and column, or r's own.
func Load(r io.Reader) (*Catalogue, error) {
	var found []entry
	var faults tabfile.Faults
	version, err := tabfile.Read(r, tabfile.Spec{Kind: kind, Columns: columns, RowsMax: RowsMax}, func(in *tabfile.Row) {
		if e := parse(in); in.OK() {
			found = append(found, e)
		}
	})
	if err != nil {
		return nil, err
	}
	slices.SortFunc(found, func(a, b entry) int {
		return cmp.Or(strings.Compare(a.code, b.code), cmp.Compare(a.from, b.from), cmp.Compare(a.line, b.line))
	})
	c := &Catalogue{version: version, index: map[string]span{}, rows: make([]row, len(found))}
	for i, e := range found {
		c.rows[i] = e.row
		s, known := c.index[e.code]
		if !known {
			s.first = int32(i)
		} else if before := found[i-1]; before.until >= e.from {
			faults = append(faults, tabfile.Fault{Line: e.line, Column: columns[colBegin],
				Text: fmt.Sprintf("overlaps line %d, which has the same code", before.line)})
		}
		s.count++
		c.index[e.code] = s
	}
	if len(faults) > 0 {
		return nil, faults
	}
	return c, nil
}

type entry struct {
	row
	code string
	line int
}

func parse(in *tabfile.Row) entry {
	e := entry{line: in.Line, code: string(in.Code(colCode, CodeMax))}
	in.Text(colName, nameMax) // for people; not kept
	e.from, e.until = in.Day(colBegin), math.MaxInt32
	if !in.Null(colEnd) {
		if e.until = in.Day(colEnd); e.until < e.from {
			in.Fail(colEnd, "is before begndate")
		}
	}
	if e.level = in.TwoDigits(colLevel); e.level > ClassC {
		in.Fail(colLevel, "is 01, 02 or 03")
	}
	e.charge = in.TwoDigits(colType)
	e.ratio = int16(in.Fixed(colRatio, 4, ratioOne))
	if e.level == ClassC && e.ratio != ratioOne {
		in.Fail(colRatio, "is 1 for class C, which is outside the catalogue")
	}
	if !in.Null(colCeiling) {
		if e.ceiling = in.Fixed(colCeiling, 6, ceilingMax); e.ceiling == 0 {
			in.Fail(colCeiling, "is above 0; without a ceiling it is null")
		}
	}
	for _, f := range flagColumns {
		if in.Flag(f.column) {
			e.flags |= f.flag
		}
	}
	return e
}

// Version is the file's name and the start of its hash, at most VersionMax bytes of ASCII: it goes into the command with the parts.
func (c *Catalogue) Version() string { return c.version }

// Rows is the number of rows.
func (c *Catalogue) Rows() int { return len(c.rows) }

// find gives a code's row of a day.
func (c *Catalogue) find(code []byte, day int32) (r *row, why Why) {
	s, ok := c.index[string(code)]
	if !ok {
		return nil, Unknown
	}
	rows := c.rows[s.first : s.first+s.count]
	for i := len(rows) - 1; i >= 0; i-- { // the newest is asked for most
		if rows[i].from <= day {
			if day > rows[i].until {
				break
			}
			return &rows[i], Listed
		}
	}
	return nil, NotThatDay
}
