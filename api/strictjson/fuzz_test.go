package strictjson

import (
	"bytes"
	"encoding/json"
	"fmt"
	"strings"
	"testing"
	"time"
	"unicode/utf8"

	"gongji/api/money"
)

var fuzzShape = MustShape("text? token? digits? amount? flag? count? day? at? choice? list? inner?")

type fuzzValues struct {
	Text, Token, Digits, Amount, Day, At, Choice string
	Flag                                         bool
	Count                                        int64
	List                                         []string
	Inner                                        *fuzzValues
}

var fuzzEnum = MustEnum("cash", "refuse")

func decodeFuzz(d *Decoder, v *fuzzValues) {
	d.Object(fuzzShape)
	for d.Next() {
		switch d.Field() {
		case "text":
			v.Text = string(d.String(40, 100))
		case "token":
			v.Token = string(d.Token(30))
		case "digits":
			v.Digits = string(d.Digits(1, 6))
		case "amount":
			v.Amount = money.Text(d.Amount())
		case "flag":
			v.Flag = d.Bool()
		case "count":
			v.Count = d.Int(-1000, 1000)
		case "day":
			y, m, day := d.Date().Parts()
			v.Day = fmt.Sprintf("%04d-%02d-%02d", y, m, day)
		case "at":
			v.At = time.UnixMilli(d.Time()).UTC().Format(time.RFC3339Nano)
		case "choice":
			if i := d.Enum(fuzzEnum); i >= 0 {
				v.Choice = fuzzEnum.values[i]
			}
		case "list":
			v.List = []string{}
			for d.Array(5); d.Next(); {
				v.List = append(v.List, string(d.String(40, 100)))
			}
		case "inner":
			v.Inner = &fuzzValues{}
			decodeFuzz(d, v.Inner)
		}
	}
}

// normalise brings what encoding/json read into the form of fuzzValues: the one text to canonical amounts and UTC.
func normalise(t *testing.T, v *fuzzValues, has map[string]json.RawMessage) {
	if _, ok := has["amount"]; ok {
		fen, err := money.Parse(v.Amount)
		if err != nil {
			t.Fatalf("accepted amount %q: %v", v.Amount, err)
		}
		v.Amount = money.Text(fen)
	}
	if _, ok := has["at"]; ok {
		at, err := time.Parse(time.RFC3339Nano, v.At)
		if err != nil {
			t.Fatalf("accepted time %q: %v", v.At, err)
		}
		v.At = at.UTC().Format(time.RFC3339Nano)
	}
	if _, ok := has["day"]; ok {
		if _, err := time.Parse("2006-01-02", v.Day); err != nil {
			t.Fatalf("accepted date %q: %v", v.Day, err)
		}
	}
	if v.Inner != nil {
		var inner map[string]json.RawMessage
		if err := json.Unmarshal(has["inner"], &inner); err != nil {
			t.Fatal(err)
		}
		normalise(t, v.Inner, inner)
	}
}

// FuzzAgainstStd: whatever we accept, encoding/json accepts, with the same values.
func FuzzAgainstStd(f *testing.F) {
	for _, s := range []string{
		`{}`, `{"text":"王\u738b\ud842\udfb7\"\\","token":"P1","digits":"310","amount":"184.00","flag":true,"count":-7}`,
		`{"day":"2024-02-29","at":"2026-01-31T10:20:30.5+08:00","choice":"cash","list":["a","\u0041"],"inner":{"inner":{}}}`,
		`{"text":"a","text":"b"}`, `{"Text":"a"}`, `{"text":null}`, `{"text":"\ud800"}`, `{"amount":1e2}`, `{} {}`,
		strings.Repeat(`{"inner":`, 7) + `{}` + strings.Repeat(`}`, 7),
	} {
		f.Add([]byte(s))
	}
	var d Decoder // shared on purpose: a run must not depend on the one before
	f.Fuzz(func(t *testing.T, body []byte) {
		var got, std fuzzValues
		d.Reset(body)
		decodeFuzz(&d, &got)
		if err := d.Done(); err != nil {
			if e := err.(*Error); e.Offset > len(body) || !utf8.ValidString(e.Field) {
				t.Fatalf("bad error %#v", e)
			}
			return
		}
		dec := json.NewDecoder(bytes.NewReader(body))
		dec.DisallowUnknownFields()
		var has map[string]json.RawMessage
		if err := dec.Decode(&std); err != nil || json.Unmarshal(body, &has) != nil {
			t.Fatalf("we accept %q, encoding/json says %v", body, err)
		}
		normalise(t, &std, has)
		a, _ := json.Marshal(got)
		b, _ := json.Marshal(std)
		if !bytes.Equal(a, b) {
			t.Fatalf("%q: we read %s, encoding/json %s", body, a, b)
		}
	})
}

// FuzzAppendString: what we write, encoding/json reads back; and so do we, if it has no control characters.
func FuzzAppendString(f *testing.F) {
	for _, s := range []string{"", "184.00", "王\"\\\n\x00\x7f", "\xff", "\u2028 𠮷"} {
		f.Add(s)
	}
	var d Decoder
	shape := MustShape("v")
	f.Fuzz(func(t *testing.T, s string) {
		text := AppendString(nil, s)
		if !bytes.Equal(text, AppendString(nil, []byte(s))) {
			t.Fatalf("string and []byte differ for %q", s)
		}
		want := string([]rune(s)) // the conversion replaces each invalid byte by U+FFFD
		var std string
		if err := json.Unmarshal(text, &std); err != nil || std != want {
			t.Fatalf("%q written as %s, read as %q, %v", s, text, std, err)
		}
		if strings.ContainsFunc(want, func(r rune) bool { return r < 0x20 || r >= 0x7f && r < 0xa0 }) {
			return
		}
		d.Reset(append(append([]byte(`{"v":`), text...), '}'))
		var back string
		for d.Object(shape); d.Next(); {
			back = string(d.String(1<<20, 1<<20))
		}
		if err := d.Done(); err != nil || back != want {
			t.Fatalf("%q written as %s, we read %q, %v", s, text, back, err)
		}
	})
}

func TestAppender(t *testing.T) {
	var a Appender
	a.Begin()
	a.String("setl_id", "S1")
	a.Amount("acct_pay", 18400)
	a.Bytes("name", []byte("王\"芳"))
	a.ArrayKey("list")
	a.StringElem("x")
	a.StringElem("y")
	a.Begin()
	a.Bool("ok", true)
	a.End()
	a.EndArray()
	a.BeginKey("inner")
	a.Int("n", -3)
	a.Uint("sequence", 1<<63)
	a.End()
	a.Date("day", 20260131)
	a.Time("setl_time", 1769826030500)
	a.End()
	want := `{"setl_id":"S1","acct_pay":"184.00","name":"王\"芳","list":["x","y",{"ok":true}],"inner":{"n":-3,` +
		`"sequence":9223372036854775808},"day":"2026-01-31","setl_time":"2026-01-31T10:20:30.500+08:00"}`
	if string(a.B) != want || !json.Valid(a.B) {
		t.Fatalf("got  %s\nwant %s", a.B, want)
	}
	a.Reset()
	a.Begin()
	a.End()
	if string(a.B) != "{}" {
		t.Fatalf("after Reset: %s", a.B)
	}
}
