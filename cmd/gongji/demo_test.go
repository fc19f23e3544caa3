package main

import (
	"bytes"
	"encoding/json"
	"slices"
	"strings"
	"testing"
	"time"

	"gongji/api/ids"
	"gongji/bench/province"
)

// TestWorkedFigures holds the story's tables against decisions.md, X1 to X3, written down here a second time.
func TestWorkedFigures(t *testing.T) {
	f := func(key string, acct, aid, cash fen, pays ...fen) {
		t.Helper()
		i := slices.IndexFunc(worked, func(v visit) bool { return v.key == key })
		if i < 0 {
			t.Fatalf("no %s", key)
		}
		v := &worked[i]
		var got []fen
		for _, p := range v.pays {
			got = append(got, p.amount)
		}
		if v.acct() != acct || v.aid() != aid || v.cash != cash || !slices.Equal(got, pays) {
			t.Errorf("%s: acct %s aid %s cash %s legs %v, want %s %s %s %v", key, v.acct(), v.aid(), v.cash, got, acct, aid, cash, pays)
		}
	}
	f("X1", 184_00, 184_00, 0, 184_00)
	f("X1b", 204_00, 204_00, 50_00, 204_00)
	f("X2", 100_00, 100_00, 0, 100_00)
	f("X3", 300_00, 259_90, 0, 40_10, 120_00, 80_05, 59_85)
	if len(worked) != 4 {
		t.Errorf("%d worked figures, want 4", len(worked))
	}
	if left := worked[0].left["linhui"]; left != 4816_00 {
		t.Errorf("X1 leaves %s, want 4816.00", left)
	}
}

// TestVisitsAddUp: R1 holds for every bill of the story, and who pays covers what the person bears.
func TestVisitsAddUp(t *testing.T) {
	people := cast()
	for _, v := range append(slices.Clone(worked), ownTwoAndCash, ownOnly, rightCard, boughtAll, keptRest, lostAnswer, repeated, spent) {
		b := v.bill
		if b.Medfee != b.Fulamt+b.Overlmt+b.Preself+b.Inscp {
			t.Errorf("%s: the parts do not add up to %s", v.key, b.Medfee)
		}
		if v.acct()+v.cash != b.Medfee-b.Fund {
			t.Errorf("%s: accounts %s and cash %s, for the person %s", v.key, v.acct(), v.cash, b.Medfee-b.Fund)
		}
		for _, p := range v.pays {
			if people[p.who] == nil {
				t.Errorf("%s: nobody is called %q", v.key, p.who)
			}
		}
	}
}

// TestCastNumbers: identity numbers are valid, fit birth date and sex, and differ, also between runs.
func TestCastNumbers(t *testing.T) {
	seen := map[string]bool{}
	for _, serial := range []uint64{1, 1_700_000_000_000, 1_700_000_000_100, 9_999_999_999_000} {
		i := uint64(0)
		for _, a := range cast() {
			a.number(serial + i)
			i++
			c, err := ids.ParseCertno(a.certno)
			if err != nil {
				t.Fatalf("%s: %v", a.name, err)
			}
			if born := time.Date(c.Year, time.Month(c.Month), c.Day, 0, 0, 0, 0, time.UTC).Format(time.DateOnly); born != a.born || c.Female != a.female {
				t.Errorf("%s: born %s female %t, want %s %t", a.name, born, c.Female, a.born, a.female)
			}
			if seen[a.certno] || seen[a.psnNo] || len(a.psnNo) != 20 {
				t.Errorf("%s: number used twice, or %d digits", a.name, len(a.psnNo))
			}
			seen[a.certno], seen[a.psnNo] = true, true
			if _, inProvince := province.New(1, 1000).IndexOf(a.psnNo); inProvince {
				t.Errorf("%s has a number of the province", a.name)
			}
		}
	}
}

// TestStageClock: time of day and monotonic time move by the same, and the night is crossed once.
func TestStageClock(t *testing.T) {
	c := newStageClock()
	difference := func() int64 { return c.Wall() - c.Monotonic() }
	at := func() time.Time { return time.UnixMilli(c.Wall()).In(beijing) }
	before, first := difference(), at()
	c.moveTo("21:30")
	if got := at().Format("15:04"); got != "21:30" {
		t.Errorf("moved to %s", got)
	}
	c.moveTo("07:00") // past: stays
	if got := at().Format("15:04"); got != "21:30" {
		t.Errorf("moved back to %s", got)
	}
	c.overMidnight()
	if got := at(); got.Format("15:04") != "00:00" || got.Day() == first.Day() {
		t.Errorf("after midnight it is %s, the day began %s", got, first)
	}
	if moved := difference() - before; moved < -1 || moved > 1 { // two readings, rounded to ms
		t.Errorf("wall and monotonic time moved apart by %d ms", moved)
	}
}

func TestFen(t *testing.T) {
	f := func(v fen, text string) {
		t.Helper()
		b, err := json.Marshal(v)
		if err != nil || string(b) != `"`+text+`"` {
			t.Errorf("%d is %s, want %s (%v)", int64(v), b, text, err)
		}
		var back fen
		if err := json.Unmarshal(b, &back); err != nil || back != v {
			t.Errorf("%s is %d, want %d (%v)", b, int64(back), int64(v), err)
		}
	}
	f(0, "0.00")
	f(5, "0.05")
	f(-5, "-0.05")
	f(184_00, "184.00")
	f(-2333393_75, "-2333393.75")
	var v fen
	if json.Unmarshal([]byte(`"--1.00"`), &v) == nil {
		t.Error("two signs were taken")
	}
}

// playDemo runs the whole demo on a server of its own.
func playDemo(t *testing.T) (differences []string, story string) {
	t.Helper()
	var out bytes.Buffer
	differences, err := (&demoCmd{Persons: 500, Seed: 7}).play(t.Context(), &out)
	if err != nil {
		t.Fatalf("%v\n%s", err, out.String())
	}
	return differences, out.String()
}

func TestDemoEndToEnd(t *testing.T) {
	differences, story := playDemo(t)
	for _, d := range differences {
		t.Error(d)
	}
	for _, want := range []string{"acct_pay 184.00, acct_mulaid_pay 184.00, psn_cash_pay 0.00", "acct_mulaid_pay 259.90", "relatives_credential",
		"Idempotency-Replayed: true", "id_reused", "blocked", "HMAC-SHA-256", "level, nothing on one side only", "clearing_differs", "paid out to it", "gongji verify on its directory", "Every figure is as it must be"} {
		if !strings.Contains(story, want) {
			t.Errorf("the story does not tell %q", want)
		}
	}
}

// TestDemoSeesDifferences: a story that expects other figures ends with differences, so the exit code can be other than 0.
func TestDemoSeesDifferences(t *testing.T) {
	saved := worked[0]
	defer func() { worked[0] = saved }()
	worked[0].pays = []payment{{"linhui", 183_99}}
	worked[0].cash = 1
	worked[0].left = map[string]fen{"linhui": 4816_01}
	differences, _ := playDemo(t)
	if want := 5; len(differences) != want { // acct, mutual aid, cash, who paid, balance
		t.Errorf("%d differences, want %d: %q", len(differences), want, differences)
	}
}
