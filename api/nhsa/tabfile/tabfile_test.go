package tabfile

import (
	"errors"
	"fmt"
	"io"
	"regexp"
	"strings"
	"testing"
	"testing/iotest"
)

var spec = Spec{Kind: "gongji sample 1", Columns: []string{"code", "price", "flag", "day", "kind"}, RowsMax: 3}

type sample struct {
	code  string
	price int64
	flag  bool
	day   int32
	kind  uint8
}

func read(text string) (got []sample, version string, err error) {
	version, err = Read(strings.NewReader(text), spec, func(r *Row) {
		s := sample{code: string(r.Code(0, 5)), price: r.Fixed(1, 4, 100_0000), flag: r.Flag(2), kind: r.TwoDigits(4)}
		if !r.Null(3) {
			s.day = r.Day(3)
		}
		if r.OK() {
			got = append(got, s)
		}
	})
	return got, version, err
}

const head = "gongji sample 1\tdemo\ncode\tprice\tflag\tday\tkind\n"

func TestRead(t *testing.T) {
	got, version, err := read("gongji sample 1\tdemo\n# remark\ncode\tprice\tflag\tday\tkind\nA1\t0.5\t0\t1970-01-02\t01\n#\nA2\t100\t1\tnull\t99\n")
	want := []sample{{"A1", 5000, false, 1, 1}, {"A2", 100_0000, true, 0, 99}}
	if err != nil || fmt.Sprint(got) != fmt.Sprint(want) {
		t.Fatalf("%v %v, want %v", got, err, want)
	}
	if !regexp.MustCompile(`^demo-[0-9a-f]{12}$`).MatchString(version) {
		t.Errorf("version %q", version)
	}
	_, other, err := read("gongji sample 1\tdemo\n# Remark\ncode\tprice\tflag\tday\tkind\nA1\t0.5\t0\t1970-01-02\t01\n#\nA2\t100\t1\tnull\t99\n")
	if err != nil || other == version {
		t.Errorf("a changed remark kept the version %q: %v", other, err)
	}
}

func TestFaults(t *testing.T) {
	for _, c := range []struct{ name, text, want string }{
		{"empty", "", "line 1: the first line"},
		{"byte order mark", "\ufeff" + head, "line 1: the first line"},
		{"other kind", "gongji sample 2\tdemo\n", "line 1: the first line"},
		{"name", "gongji sample 1\tDemo\n", "line 1: the first line"},
		{"long name", "gongji sample 1\t" + strings.Repeat("a", NameMax+1) + "\n", "line 1: the first line"},
		{"no header", "gongji sample 1\tdemo\n", "the header is missing"},
		{"misspelt column", "gongji sample 1\tdemo\ncode\tprise\tflag\tday\tkind\n", "line 2: price: is column 2 of the header"},
		{"column too many", "gongji sample 1\tdemo\ncode\tprice\tflag\tday\tkind\tx\n", "line 2: the header has 6 columns, want 5"},
		{"short row", head + "A1\t1\n", "line 3: has 2 columns, want 5"},
		{"long row", head + "A1\t1\t0\tnull\t01\t\t\n", "line 3: has 7 columns, want 5"},
		{"blank line", head + "\n", "line 3: has 1 columns, want 5"},
		{"carriage return", head + "A1\t1\t0\tnull\t01\r\n", "line 3: has a carriage return"},
		{"not UTF-8", head + "A\xff\t1\t0\tnull\t01\n", "line 3: is not UTF-8"},
		{"cut off", head + "A1\t1\t0\tnull\t01", "line 3: the last line has no line end"},
		{"long line", head + strings.Repeat("A", LineMax) + "\n", "line 3: a line has at most 4096 bytes"},
		{"too many rows", head + strings.Repeat("A1\t1\t0\tnull\t01\n", 4), "line 6: more than 3 rows"},
		{"null code", head + "null\t1\t0\tnull\t01\n", "line 3: code: may not be null"},
		{"blank in code", head + "A 1\t1\t0\tnull\t01\n", "line 3: code: is not visible ASCII"},
		{"long code", head + "A12345\t1\t0\tnull\t01\n", "line 3: code: has 1 to 5 bytes, not 6"},
		{"decimals", head + "A1\t0.12345\t0\tnull\t01\n", "line 3: price: is no number"},
		{"leading zero", head + "A1\t01\t0\tnull\t01\n", "line 3: price: is no number"},
		{"point first", head + "A1\t.5\t0\tnull\t01\n", "line 3: price: is no number"},
		{"point last", head + "A1\t5.\t0\tnull\t01\n", "line 3: price: is no number"},
		{"two points", head + "A1\t5.1.1\t0\tnull\t01\n", "line 3: price: is no number"},
		{"minus", head + "A1\t-1\t0\tnull\t01\n", "line 3: price: is no number"},
		{"no number", head + "A1\t\t0\tnull\t01\n", "line 3: price: is no number"},
		{"too large", head + "A1\t100.0001\t0\tnull\t01\n", "line 3: price: is above"},
		{"far too large", head + "A1\t" + strings.Repeat("9", 30) + "\t0\tnull\t01\n", "line 3: price: is above"},
		{"flag", head + "A1\t1\t2\tnull\t01\n", "line 3: flag: is 0 or 1"},
		{"day", head + "A1\t1\t0\t2026-02-29\t01\n", "line 3: day: is no date"},
		{"two digits", head + "A1\t1\t0\tnull\t1\n", "line 3: kind: is 01 to 99"},
		{"zero", head + "A1\t1\t0\tnull\t00\n", "line 3: kind: is 01 to 99"},
	} {
		t.Run(c.name, func(t *testing.T) {
			_, version, err := read(c.text)
			var faults Faults
			if !errors.As(err, &faults) || !strings.Contains(err.Error(), c.want) || version != "" {
				t.Fatalf("version %q, error %v; want %q", version, err, c.want)
			}
		})
	}
}

func TestAllFaultsAtOnce(t *testing.T) {
	_, _, err := read(head + "A1\tx\t2\tnull\t01\nA2\t1\t0\tnull\nA3\t1\t0\tsoon\t01\n")
	var faults Faults
	if !errors.As(err, &faults) || len(faults) != 4 {
		t.Fatalf("%v", err)
	}
	if got := fmt.Sprint(faults[0].Line, faults[1].Column, faults[2].Line, faults[3].Column); got != "3flag4day" {
		t.Errorf("%s", got)
	}
	many := spec
	many.RowsMax = 1000
	_, err = Read(strings.NewReader(head+strings.Repeat("x\n", 200)), many, func(*Row) {})
	if !errors.As(err, &faults) || len(faults) != faultsMax || !strings.HasSuffix(err.Error(), "and perhaps more") {
		t.Errorf("%d faults of 200", len(faults))
	}
}

func TestReaderFails(t *testing.T) {
	broken := errors.New("broken disk")
	_, err := Read(io.MultiReader(strings.NewReader(head), iotest.ErrReader(broken)), spec, func(*Row) {})
	if !errors.Is(err, broken) {
		t.Errorf("%v", err)
	}
}

// FuzzRead holds that nothing panics and that what is taken has as many rows as lines that are no remark.
func FuzzRead(f *testing.F) {
	f.Add(head + "A1\t1\t0\tnull\t01\n")
	f.Add("gongji sample 1\tdemo\n")
	f.Fuzz(func(t *testing.T, text string) {
		got, version, err := read(text)
		if (err == nil) != (version != "") {
			t.Fatalf("version %q with %v", version, err)
		}
		rows := -2
		for _, line := range strings.Split(strings.TrimSuffix(text, "\n"), "\n") {
			if !strings.HasPrefix(line, "#") {
				rows++
			}
		}
		if err == nil && rows != len(got) {
			t.Fatalf("%d rows of %d", len(got), rows)
		}
	})
}
