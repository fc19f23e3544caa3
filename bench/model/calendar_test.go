package model

import (
	"testing"
	"time"
)

func dayOf(year, month, day int) int32 {
	return int32(time.Date(year, time.Month(month), day, 0, 0, 0, 0, time.UTC).Unix() / 86400)
}

func TestAddMonths(t *testing.T) {
	for _, c := range []struct {
		from   [3]int
		months uint32
		to     [3]int
	}{
		{[3]int{2025, 11, 30}, 3, [3]int{2026, 2, 28}},
		{[3]int{2023, 11, 30}, 3, [3]int{2024, 2, 29}},
		{[3]int{2026, 1, 31}, 1, [3]int{2026, 2, 28}},
		{[3]int{2024, 1, 31}, 1, [3]int{2024, 2, 29}},
		{[3]int{2100, 1, 31}, 1, [3]int{2100, 2, 28}},
		{[3]int{2000, 1, 31}, 1, [3]int{2000, 2, 29}},
		{[3]int{2024, 2, 29}, 12, [3]int{2025, 2, 28}},
		{[3]int{2024, 2, 29}, 48, [3]int{2028, 2, 29}},
		{[3]int{2026, 8, 31}, 1, [3]int{2026, 9, 30}},
		{[3]int{2026, 12, 31}, 2, [3]int{2027, 2, 28}},
		{[3]int{2026, 5, 15}, 0, [3]int{2026, 5, 15}},
		{[3]int{2026, 5, 15}, 120, [3]int{2036, 5, 15}},
	} {
		from, to := dayOf(c.from[0], c.from[1], c.from[2]), dayOf(c.to[0], c.to[1], c.to[2])
		if got := AddMonths(from, c.months); got != to {
			t.Errorf("%v + %d months: day %d, want %d", c.from, c.months, got, to)
		}
	}
}

// TestCivil compares two centuries with the standard library's calendar.
func TestCivil(t *testing.T) {
	for day := dayOf(1950, 1, 1); day < dayOf(2150, 1, 1); day++ {
		want := time.Unix(int64(day)*86400, 0).UTC()
		year, month, dayOfMonth := civil(day)
		if year != want.Year() || month != int(want.Month()) || dayOfMonth != want.Day() {
			t.Fatalf("day %d: %d-%d-%d, want %v", day, year, month, dayOfMonth, want)
		}
	}
}

func TestDay(t *testing.T) {
	const midnight = testDay*dayMS - chinaMS // 2025-11-30 00:00 +08:00
	for ms, want := range map[int64]int32{
		midnight: testDay, midnight - 1: testDay - 1, midnight + dayMS - 1: testDay, 0: 0,
		-chinaMS: 0, -chinaMS - 1: -1, dayMS - chinaMS: 1, dayMS - chinaMS - 1: 0,
	} {
		if got := Day(ms); got != want {
			t.Errorf("%d ms: day %d, want %d", ms, got, want)
		}
	}
}
