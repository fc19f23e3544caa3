package strictjson

import (
	"bytes"
	"fmt"
	"math/rand/v2"
	"testing"
	"time"
)

// read reads a body of two to four fields with every reader that has a fast way, and tells all that came of it.
func read(d *Decoder, body []byte) (told string) {
	d.Reset(body)
	for d.Object(fastShape); d.Next(); {
		told += d.Field() + "="
		switch d.Field() {
		case "token":
			told += fmt.Sprintf("%q", d.Token(20))
		case "digits":
			told += fmt.Sprintf("%q", d.Digits(2, 12))
		case "amount":
			told += fmt.Sprint(d.Amount())
		case "enum":
			told += fmt.Sprint(d.Enum(fastEnum))
		}
		told += " "
	}
	if err := d.Done(); err != nil {
		e := err.(*Error)
		told += fmt.Sprint(e.Code, " at ", e.Field)
	}
	return told
}

var (
	fastShape = MustShape("token digits? amount enum?")
	fastEnum  = MustEnum("01", "02", "a longer one of them")
)

// The fast ways of reading, which white space keeps a decoder from, say what the slow ones say: of good bodies and of bad ones, whatever order of fields the
// decoder has seen before.
func TestFastAsSlow(t *testing.T) {
	r := rand.New(rand.NewPCG(1, 2))
	pieces := []string{"A", "9", "0", "12345678", "12345678.90", ".", "-", "\\u0041", " ", "\n", "\x7f", "\x80", "é", "汉", "02", "01", "a longer one of them", "~", "!", "}", "{", "", "\"", "\\"}
	names := []string{"token", "digits", "amount", "enum", "tokens", ""}
	var kept Decoder
	good, bad, fast := 0, 0, 0
	for range 200_000 {
		order := r.Perm(4)
		var lean, wide bytes.Buffer
		count := 2 + r.IntN(3)
		for i, n := range order[:count] {
			name, value := names[n], [...]string{"A1", "310", "12.50", "02"}[n]
			switch r.IntN(12) {
			case 0:
				value = ""
				some := pieces[:len(pieces)-2]
				if i == count-1 { // a quote or backslash before it would make the white space between fields part of a text
					some = pieces
				}
				for range r.IntN(5) {
					value += some[r.IntN(len(some))]
				}
			case 1:
				name = names[r.IntN(len(names))]
			}
			comma := ","
			if i == 0 {
				comma = ""
			}
			fmt.Fprintf(&lean, `%s"%s":"%s"`, comma, name, value)
			fmt.Fprintf(&wide, `%s "%s" : "%s"`, comma, name, value)
		}
		var fresh Decoder
		want := read(&fresh, []byte("{"+wide.String()+"}"))
		if got := read(&kept, []byte("{"+lean.String()+"}")); got != want {
			t.Fatalf("%s\nfast: %s\nslow: %s", lean.String(), got, want)
		}
		if kept.err == nil {
			good++
		} else {
			bad++
		}
		if kept.followsOf == fastShape {
			fast++
		}
	}
	if good < 20_000 || bad < 20_000 || fast < 100_000 {
		t.Errorf("%d good, %d bad, %d with an order known", good, bad, fast)
	}
}

// Times are written by digits as package time writes them, at the ends of days, months, years and of what is written so, and anywhere between.
func TestTimeText(t *testing.T) {
	check := func(ms int64) {
		want := `"` + time.UnixMilli(ms).In(zone).Format("2006-01-02T15:04:05.000-07:00") + `"`
		if got := string(AppendTime(nil, ms)); got != want {
			t.Fatalf("%d ms: %s, want %s", ms, got, want)
		}
	}
	for day := int64(0); day < plainTimesEnd/86_400_000+400; day++ {
		check(day*86_400_000 - 8*3_600_000)
		check(day*86_400_000 - 8*3_600_000 - 1)
	}
	r := rand.New(rand.NewPCG(3, 4))
	for range 100_000 {
		check(r.Int64N(plainTimesEnd))
	}
	check(plainTimesEnd - 1)
	check(plainTimesEnd)
	check(-1)
}
