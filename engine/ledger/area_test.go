package ledger

import (
	"reflect"
	"testing"
)

// TestPoolingArea: R18, K14: the prefecture; a municipality is one; a county under the province is one of its own.
func TestPoolingArea(t *testing.T) {
	for _, c := range []struct{ area, want uint32 }{
		{420100, 4201}, {420102, 4201}, {420500, 4205}, {429004, 429004}, {429005, 429005}, {422801, 4228}, // Hubei: Wuhan, Yichang, Xiantao, Qianjiang, Enshi
		{500101, 50}, {500229, 50}, {110105, 11}, {310115, 31}, {120101, 12}, {620102, 6201}, {659001, 659001}, {0, 0},
	} {
		if got := PoolingArea(c.area); got != c.want {
			t.Errorf("area %d lies in pooling area %d, want %d", c.area, got, c.want)
		}
	}
	if crosses(420100, 420102) || crosses(420100, 0) || crosses(0, 420100) || !crosses(420100, 420500) || !crosses(429004, 429005) {
		t.Error("a due arises where none should, or none where one should")
	}
}

// TestDues: sums of days, each pair for itself, days without postings and pairs that come to nothing.
func TestDues(t *testing.T) {
	s := NewState(DefaultShifts)
	for _, p := range []struct {
		day    int32
		owing  uint32
		amount int64
	}{{10, 4205, 100}, {10, 4201, 7}, {10, 4205, 30}, {12, 4205, -130}, {20, 4205, 5}} {
		s.postDue(p.day, p.owing, 429004, p.amount)
	}
	check := func(from, until int32, want ...Due) {
		t.Helper()
		if got := s.Dues(from, until); !reflect.DeepEqual(got, want) {
			t.Errorf("days %d to %d: %v, want %v", from, until, got, want)
		}
	}
	wuhan := func(fen int64) Due { return Due{4201, 429004, fen} }
	yichang := func(fen int64) Due { return Due{4205, 429004, fen} }
	check(-1<<31, 1<<31-1, wuhan(7), yichang(5))
	check(10, 10, wuhan(7), yichang(130))
	check(11, 11)
	check(11, 12, yichang(-130))
	check(10, 12, wuhan(7), yichang(0))
	check(13, 20, yichang(5))
	check(21, 99)
	check(-5, 9)
	if owed, claimed := s.Balance(DueAccount(4205, 429004, false)), s.Balance(DueAccount(4205, 429004, true)); owed != 5 || claimed != -5 {
		t.Errorf("Yichang owes %d fen, Xiantao claims %d", owed, claimed)
	}
	if s.Balance(DueAccount(429004, 4205, false)) != 0 || s.AreaDues.Len() != 4 {
		t.Errorf("%d rows, and Xiantao owes %d fen", s.AreaDues.Len(), s.Balance(DueAccount(429004, 4205, false)))
	}
	heads := append([]uint32(nil), s.dueHeads...)
	s.Reindex()
	if !reflect.DeepEqual(s.dueHeads, heads) {
		t.Errorf("loaded again the newest rows are %v, were %v", s.dueHeads, heads)
	}
}
