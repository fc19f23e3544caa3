package ledger

import (
	"crypto/hmac"
	"crypto/sha256"
	"encoding/binary"
	"testing"
	"time"
)

// TestCalendar compares with the standard library over 250 years.
func TestCalendar(t *testing.T) {
	for day := int32(-30_000); day < 60_000; day++ {
		y, m, d := civil(day)
		want := time.Unix(int64(day)*86400, 0).UTC()
		if y != want.Year() || m != int(want.Month()) || d != want.Day() || dayNumber(y, m, d) != day {
			t.Fatalf("day %d is %d-%d-%d, want %s", day, y, m, d, want.Format(time.DateOnly))
		}
	}
	day := func(s string) int32 {
		v, err := time.Parse(time.DateOnly, s)
		if err != nil {
			t.Fatal(err)
		}
		return int32(v.Unix() / 86400)
	}
	f := func(from string, months int, want string) { // U2: calendar months, clipped to the month's end
		t.Helper()
		if got := AddMonths(day(from), months); got != day(want) {
			t.Errorf("%s + %d months is day %d, want %s", from, months, got, want)
		}
	}
	f("2025-11-30", 3, "2026-02-28")
	f("2023-11-30", 3, "2024-02-29")
	f("2025-01-31", 1, "2025-02-28")
	f("2025-10-15", 3, "2026-01-15")
	f("2025-12-01", 0, "2025-12-01")
	f("2025-12-31", 120, "2035-12-31")
}

// TestDayOf: the day changes at midnight in China, 16:00 UTC.
func TestDayOf(t *testing.T) {
	midnight := time.Date(2026, 3, 1, 16, 0, 0, 0, time.UTC).UnixMilli()
	if a, b := DayOf(midnight-1), DayOf(midnight); b != a+1 {
		t.Errorf("days %d and %d around midnight", a, b)
	}
	if DayOf(-zoneMS) != 0 || DayOf(-zoneMS-1) != -1 {
		t.Error("days around 1970 are off")
	}
}

// TestStream checks the draw's words against the library's HMAC, so that anybody can recompute a draw with any HMAC-SHA-256.
func TestStream(t *testing.T) {
	key := [DayKeyBytes]byte{1, 2, 3}
	s := newStream(&key, At(77, 5))
	for block := range uint32(3) {
		m := hmac.New(sha256.New, key[:])
		m.Write([]byte(drawLabel))
		m.Write(binary.BigEndian.AppendUint64(nil, 77))
		m.Write(binary.BigEndian.AppendUint32(nil, 5))
		m.Write(binary.BigEndian.AppendUint32(nil, block))
		sum := m.Sum(nil)
		for i := range 4 {
			if got, want := s.next(), binary.BigEndian.Uint64(sum[8*i:]); got != want {
				t.Fatalf("block %d word %d: %x, want %x", block, i, got, want)
			}
		}
	}
}

// TestDrawUniform (T6, P10): each of the k! orders equally often; limits are chi-square at p = 1e-6 (reliability.md T6).
// It must catch the seeded defect "modulo-biased draw".
// T20: defect_draw_biased.
func TestDrawUniform(t *testing.T) {
	limits := map[int]float64{2: 23.9, 3: 35.9, 4: 70.6} // df 1, 5, 23
	orders := map[int]int{2: 2, 3: 6, 4: 24}
	key := [DayKeyBytes]byte{9}
	const n = 60_000
	for k, limit := range limits {
		cells := map[[4]Candidate]int{}
		list := []AccountID{Account(KindPersonal, 1), Account(KindPersonal, 2), Account(KindPersonal, 3), Account(KindPersonal, 4)}
		for i := range n {
			var drawn [4]Candidate
			Draw(&key, At(uint64(1+i/1000), i%1000), list[:k], drawn[:k])
			cells[drawn]++
		}
		expected := float64(n) / float64(orders[k])
		chi := float64(orders[k]-len(cells)) * expected
		for _, c := range cells {
			chi += (float64(c) - expected) * (float64(c) - expected) / expected
		}
		if chi > limit {
			t.Errorf("k=%d: chi-square %.1f over %.1f", k, chi, limit)
		}
		t.Logf("T6 draw k=%d n=%d cells=%d chi2=%.1f limit=%.1f", k, n, len(cells), chi, limit)
	}
}

// TestTableFreeze: a view stays as it was while the table goes on, and only touched pages are copied.
func TestTableFreeze(t *testing.T) {
	table := NewTable[int64](2)
	for i := range int64(10) {
		table.Append(i)
	}
	v := table.Freeze()
	*table.Mut(5) = 500
	table.Append(10)
	for i := range int64(10) {
		if got := v.Pages[i>>2][i&3]; got != i {
			t.Errorf("view row %d is %d", i, got)
		}
	}
	if *table.At(5) != 500 || table.Len() != 11 || v.Count != 10 {
		t.Errorf("table did not go on: row 5 %d, rows %d, view %d", *table.At(5), table.Len(), v.Count)
	}
	if &v.Pages[0][0] != table.At(0) {
		t.Error("an untouched page was copied")
	}
	table.Thaw()
	before := table.At(5)
	*table.Mut(5) = 501
	if table.At(5) != before {
		t.Error("page copied after thaw")
	}
	w := table.Freeze()
	for i, want := range []bool{false, true, true} {
		if w.Dirty[i] != want {
			t.Errorf("page %d dirty is %v", i, w.Dirty[i])
		}
	}
}

// TestTableViews: views that overlap keep each its own rows in whatever order they are thawed, and a Look hides nothing from the next Freeze.
func TestTableViews(t *testing.T) {
	table := NewTable[int64](1)
	for range 6 {
		table.Append(0)
	}
	table.Freeze()
	table.Thaw()
	*table.Mut(0) = 1
	first := table.Look()
	*table.Mut(0) = 2
	*table.Mut(2) = 2
	second := table.Freeze()
	*table.Mut(0) = 3
	table.Thaw() // whichever: one is left
	*table.Mut(2) = 3
	*table.Mut(4) = 3
	for name, c := range map[string]struct {
		v    View[int64]
		want [3]int64
	}{"look": {first, [3]int64{1, 0, 0}}, "freeze": {second, [3]int64{2, 2, 0}}} {
		for i, want := range c.want {
			if got := c.v.Pages[i][0]; got != want {
				t.Errorf("%s: row %d is %d, want %d", name, 2*i, got, want)
			}
		}
	}
	if d := second.Dirty; !d[0] || !d[1] || d[2] {
		t.Errorf("dirty after a Look: %v", d)
	}
	table.Thaw()
	before := table.At(4)
	*table.Mut(4) = 4
	if table.At(4) != before {
		t.Error("page copied without a view")
	}
}

// TestPayable is R1 with the worked figures X1 and X1b.
func TestPayable(t *testing.T) {
	hubei := &Policy{Parts: PartInscp | PartPreselfpay}
	f := func(in BillInput, want int64) {
		t.Helper()
		var b Bill
		if o := checkAmounts(&in, &b); o != 0 {
			t.Fatalf("outcome %s", o)
		}
		if got := payable(hubei, &in, b.PsnPart); got != want {
			t.Errorf("payable %d, want %d", got, want)
		}
	}
	f(BillInput{Medfee: 46000, Inscp: 46000, Fund: 27600}, 18400)                                               // X1
	f(BillInput{Medfee: 53000, Fulamt: 4500, Overlmt: 500, Preselfpay: 2000, Inscp: 46000, Fund: 27600}, 20400) // X1b
	f(BillInput{Medfee: 100, Inscp: 100, HospPart: 70}, 30)                                                     // never more than the person bears
	f(BillInput{Medfee: 100, Inscp: 40, Preselfpay: 60, Fund: 70}, 30)                                          // the fund eats into the next part
}

// TestFull: the last person that an index can number is found again; one more is refused, not misfiled.
func TestFull(t *testing.T) {
	s := NewState(DefaultShifts)
	s.Persons.count = PersonsMax - 1
	s.Persons.pages = make([]page[Person], PersonsMax>>DefaultShifts.Person+1)
	last := page[Person]{rows: make([]Person, 1<<DefaultShifts.Person)} // the only page that is touched
	s.Persons.pages[len(s.Persons.pages)-1] = last
	add := func(key byte) (f Effect, o Outcome) {
		o = s.addPerson(&Context{}, &Command{Kind: KindPerson, Person: Key{key}, Other: Key{key, 1}, More: &More{}}, &f)
		return f, o
	}
	if f, o := add(1); o != Accepted || f.Number != PersonsMax-1 {
		t.Fatalf("the last person: number %d, %s", f.Number, o)
	}
	if n, found := s.FindPerson(Key{1}); !found || n != PersonsMax-1 {
		t.Errorf("the last person is found as %d %t", n, found)
	}
	if n, found := s.FindPseudonym(Key{1, 1}); !found || n != PersonsMax-1 {
		t.Errorf("the last certificate is found as %d %t", n, found)
	}
	if _, o := add(2); o != LedgerFull || s.Persons.Len() != PersonsMax {
		t.Errorf("one more: %s, %d persons", o, s.Persons.Len())
	}
}
