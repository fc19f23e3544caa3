package ledger

import (
	"testing"
	"time"
)

// TestSeason: K13: a season of civil days at +08:00, both ends included, perhaps over the new year, perhaps the whole year.
func TestSeason(t *testing.T) {
	for _, c := range []struct {
		from, until uint16
		at          string // UTC
		want        bool
	}{
		{0, 0, "2026-07-01T00:00:00Z", true},
		{901, 1231, "2026-08-31T15:59:59Z", false},
		{901, 1231, "2026-08-31T16:00:00Z", true}, // midnight in China
		{901, 1231, "2026-12-31T15:59:59Z", true},
		{901, 1231, "2026-12-31T16:00:00Z", false},
		{901, 229, "2026-12-31T16:00:00Z", true}, // over the new year
		{901, 229, "2028-02-29T04:00:00Z", true},
		{901, 229, "2027-02-28T04:00:00Z", true}, // no 29 February: the season ends with the month
		{901, 229, "2027-02-28T16:00:00Z", false},
		{901, 229, "2026-08-31T04:00:00Z", false},
		{701, 701, "2026-07-01T04:00:00Z", true},
		{701, 701, "2026-07-02T04:00:00Z", false},
	} {
		at, err := time.Parse(time.RFC3339, c.at)
		if err != nil {
			t.Fatal(err)
		}
		p := Policy{PremiumFrom: c.from, PremiumUntil: c.until}
		if got := p.InSeason(DayOf(at.UnixMilli())); got != c.want {
			t.Errorf("season %d to %d at %s: %v", c.from, c.until, c.at, got)
		}
	}
}
