package tabfile

import (
	"bufio"
	"bytes"
	"crypto/sha256"
	"errors"
	"fmt"
	"hash"
	"io"
	"unicode/utf8"
)

// Limits. LineMax is ours: a row of the catalogue, the widest table, has about 150 bytes, a long Chinese name 600. faultsMax is what a
// person reads before he mends the file and tries again.
const (
	LineMax    = 4096 // bytes with the line's end
	NameMax    = 32   // bytes of a table's name: the version goes into every settlement's command
	VersionMax = NameMax + 1 + hashDigits
	hashDigits = 12
	faultsMax  = 100
)

const null = "null"

// Spec says what a table looks like.
type Spec struct {
	Kind    string   // start of the first line, with the format's number
	Columns []string // in their order
	RowsMax int
}

// Read reads a table and calls row for each row; the Row is valid during the call. version is the table's name, a hyphen and the first
// 12 hexadecimal digits of the file's SHA-256. The error is Faults, or what reading r failed with. row says what is wrong through Row.
func Read(r io.Reader, spec Spec, row func(*Row)) (version string, err error) {
	t := &reader{spec: spec, sum: sha256.New()}
	t.in = bufio.NewReaderSize(io.TeeReader(r, t.sum), LineMax)
	t.row = Row{reader: t, fields: make([][]byte, 0, len(spec.Columns)+1)}
	name := t.head()
	for rows := 0; len(t.faults) < faultsMax; {
		line, ok := t.next()
		if !ok {
			break
		}
		if rows++; rows > spec.RowsMax {
			t.fail("", fmt.Sprintf("more than %d rows", spec.RowsMax))
			break
		}
		if t.split(line) {
			row(&t.row)
		}
	}
	switch {
	case t.err != nil:
		return "", fmt.Errorf("table %q, line %d: %w", spec.Kind, t.line, t.err)
	case len(t.faults) > 0:
		return "", t.faults
	}
	return fmt.Sprintf("%s-%.*x", name, hashDigits, t.sum.Sum(nil)[:hashDigits/2]), nil
}

type reader struct {
	spec   Spec
	in     *bufio.Reader
	sum    hash.Hash
	line   int
	ended  bool
	err    error
	faults Faults
	row    Row
}

func (t *reader) fail(column, text string) { t.failAt(t.line, column, text) }

func (t *reader) failAt(line int, column, text string) {
	if len(t.faults) < faultsMax {
		t.faults = append(t.faults, Fault{line, column, text})
	}
}

// raw gives the next line without its end; false at the end, or when going on makes no sense.
func (t *reader) raw() ([]byte, bool) {
	if t.ended {
		return nil, false
	}
	t.line++
	line, err := t.in.ReadSlice('\n')
	switch {
	case errors.Is(err, io.EOF) && len(line) == 0:
		t.ended = true
		return nil, false
	case errors.Is(err, io.EOF):
		t.ended = true
		t.fail("", "the last line has no line end: the file may be cut off")
		return nil, false
	case errors.Is(err, bufio.ErrBufferFull):
		t.ended = true
		t.fail("", fmt.Sprintf("a line has at most %d bytes", LineMax))
		return nil, false
	case err != nil:
		t.ended, t.err = true, err
		return nil, false
	}
	return line[:len(line)-1], true
}

// next gives the next line that is no remark.
func (t *reader) next() ([]byte, bool) {
	for {
		line, ok := t.raw()
		if !ok {
			return nil, false
		}
		if len(line) == 0 || line[0] != '#' {
			return line, true
		}
	}
}

// head reads the first line and the header. Without a right header no row can be judged, so reading ends there.
func (t *reader) head() (name string) {
	line, ok := t.raw()
	kind, given, _ := bytes.Cut(line, []byte{'\t'})
	if !ok || string(kind) != t.spec.Kind || !nameOK(given) {
		t.failAt(1, "", fmt.Sprintf("the first line is %q, a tab and a name of 1 to %d characters a-z 0-9 . - (no byte order mark)", t.spec.Kind, NameMax))
		t.ended = true
		return ""
	}
	name = string(given)
	line, ok = t.next()
	if !ok {
		t.fail("", "the header is missing")
		return name
	}
	got := bytes.Split(line, []byte{'\t'})
	for i, want := range t.spec.Columns {
		if i >= len(got) || string(got[i]) != want {
			t.fail(want, fmt.Sprintf("is column %d of the header", i+1))
			t.ended = true
		}
	}
	if len(got) > len(t.spec.Columns) {
		t.fail("", fmt.Sprintf("the header has %d columns, want %d", len(got), len(t.spec.Columns)))
		t.ended = true
	}
	return name
}

func nameOK(name []byte) bool {
	if len(name) == 0 || len(name) > NameMax {
		return false
	}
	for _, c := range name {
		if (c < 'a' || c > 'z') && (c < '0' || c > '9') && c != '.' && c != '-' {
			return false
		}
	}
	return true
}

// split cuts a line into t.row.
func (t *reader) split(line []byte) bool {
	switch {
	case !utf8.Valid(line):
		t.fail("", "is not UTF-8")
		return false
	case bytes.IndexByte(line, '\r') >= 0:
		t.fail("", "has a carriage return: lines end with a line feed alone")
		return false
	}
	f := t.row.fields[:0]
	for rest := line; ; {
		at := bytes.IndexByte(rest, '\t')
		if at < 0 {
			f = append(f, rest)
			break
		}
		if len(f) == len(t.spec.Columns) { // enough to know that it is wrong
			f = append(f, rest)
			break
		}
		f = append(f, rest[:at])
		rest = rest[at+1:]
	}
	if len(f) != len(t.spec.Columns) {
		t.fail("", fmt.Sprintf("has %d columns, want %d", bytes.Count(line, []byte{'\t'})+1, len(t.spec.Columns)))
		return false
	}
	t.row.fields, t.row.Line, t.row.bad = f, t.line, false
	return true
}
