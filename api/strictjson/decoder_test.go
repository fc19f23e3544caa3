package strictjson

import (
	"errors"
	"strings"
	"testing"
)

func TestSampleIsRead(t *testing.T) {
	var d Decoder
	var in settlement
	if err := decodeSettlement(&d, []byte(sample), &in); err != nil {
		t.Fatal(err)
	}
	if string(in.msgid) != "P42010612345202601310001" || in.fee != 46000 || in.fund != 27600 || in.expectedAcct != 18400 ||
		string(in.opterName) != "王芳" || in.usedFlag != 1 || in.shortfall != 0 || string(in.cardSN) != "A1B2C3D4" {
		t.Fatalf("wrong values: %+v", in)
	}
}

// with replaces one part of the sample, and fails the test if it is not there.
func with(t *testing.T, old, new string) string {
	t.Helper()
	if strings.Count(sample, old) != 1 {
		t.Fatalf("%q is not exactly once in the sample", old)
	}
	return strings.Replace(sample, old, new, 1)
}

// TestRefused is the JSON part of the security list (reliability.md 4.3): code, field and no value.
func TestRefused(t *testing.T) {
	fee := `"medfee_sumamt":"460.00"`
	amount := func(v string) string { return with(t, fee, `"medfee_sumamt":`+v) }
	opter := func(v string) string { return with(t, `"王芳"`, v) }
	for name, c := range map[string]struct {
		body, field string
		code        Code
	}{
		"empty":                   {"", "", CodeMalformed},
		"white space":             {" \n", "", CodeMalformed},
		"array":                   {"[]", "", CodeWrongType},
		"null body":               {"null", "", CodeNull},
		"byte order mark":         {"\xef\xbb\xbf" + sample, "", CodeMalformed},
		"cut":                     {sample[:len(sample)-1], "opter_name", CodeMalformed},
		"cut in string":           {sample[:20], "msgid", CodeMalformed},
		"cut in key":              {`{"msg`, "", CodeMalformed},
		"single quotes":           {`{'msgid':"1"}`, "", CodeMalformed},
		"comment":                 {`{/**/"msgid":"1"}`, "", CodeMalformed},
		"no colon":                {`{"msgid" "1"}`, "msgid", CodeMalformed},
		"no comma":                {`{"msgid":"1" "psn_no":"2"}`, "", CodeMalformed},
		"comma at end":            {`{"msgid":"1",}`, "", CodeMalformed},
		"two commas":              {`{"msgid":"1",,"psn_no":"2"}`, "", CodeMalformed},
		"wrong bracket":           {`{"msgid":"1"]`, "", CodeMalformed},
		"duplicate":               {with(t, `"card_sn"`, `"psn_no"`), "psn_no", CodeDuplicate},
		"duplicate inside":        {with(t, `"psn_cash_pay":"0.00"`, `"acct_pay":"184.00"`), "expected.acct_pay", CodeDuplicate},
		"upper case":              {with(t, `"medfee_sumamt"`, `"MEDFEE_SUMAMT"`), "MEDFEE_SUMAMT", CodeUnknownField},
		"long s":                  {with(t, `"msgid"`, `"mſgid"`), "", CodeUnknownField},
		"escaped key":             {with(t, `"msgid"`, `"msg\u0069d"`), "", CodeUnknownField},
		"empty key":               {with(t, `"msgid"`, `""`), "", CodeUnknownField},
		"unknown":                 {with(t, `"card_sn"`, `"pan"`), "pan", CodeUnknownField},
		"unknown inside":          {with(t, `"psn_cash_pay"`, `"balc"`), "expected.balc", CodeUnknownField},
		"number as unknown key":   {with(t, `"card_sn"`, `"11010519491231002X"`), "", CodeUnknownField},
		"personal unknown key":    {with(t, `"card_sn"`, `"E12345678"`), "", CodeUnknownField},
		"missing":                 {with(t, `"psn_no":"42000010000012345678",`, ``), "psn_no", CodeMissing},
		"missing inside":          {with(t, `,"psn_cash_pay":"0.00"`, ``), "expected.psn_cash_pay", CodeMissing},
		"trailing":                {sample + "{}", "", CodeTrailing},
		"trailing NUL":            {sample + "\x00", "", CodeTrailing},
		"null":                    {amount("null"), "medfee_sumamt", CodeNull},
		"null object":             {with(t, `{"acct_pay":"184.00","psn_cash_pay":"0.00"}`, "null"), "expected", CodeNull},
		"object for string":       {opter("{}"), "opter_name", CodeWrongType},
		"number for string":       {opter("1"), "opter_name", CodeWrongType},
		"bool for string":         {opter("true"), "opter_name", CodeWrongType},
		"nonsense for string":     {opter("nul"), "opter_name", CodeMalformed},
		"string for object":       {with(t, `{"acct_pay":"184.00","psn_cash_pay":"0.00"}`, `""`), "expected", CodeWrongType},
		"number as money":         {amount("460.00"), "medfee_sumamt", CodeWrongType},
		"exponent as money":       {amount("1e2"), "medfee_sumamt", CodeWrongType},
		"minus zero number":       {amount("-0"), "medfee_sumamt", CodeWrongType},
		"exponent":                {amount(`"1e2"`), "medfee_sumamt", "amount_malformed"},
		"minus zero":              {amount(`"-0"`), "medfee_sumamt", "amount_negative"},
		"negative":                {amount(`"-460.00"`), "medfee_sumamt", "amount_negative"},
		"three decimals":          {amount(`"460.000"`), "medfee_sumamt", "amount_decimals"},
		"full width":              {amount(`"４６０"`), "medfee_sumamt", "amount_malformed"},
		"space":                   {amount(`" 460.00"`), "medfee_sumamt", "amount_malformed"},
		"above 2^53":              {amount(`"900719925474099300"`), "medfee_sumamt", "amount_too_large"},
		"above 2^63":              {amount(`"9223372036854775808"`), "medfee_sumamt", "amount_too_large"},
		"endless":                 {amount(`"` + strings.Repeat("9", 65) + `"`), "medfee_sumamt", CodeTooLong},
		"bad UTF-8":               {opter("\"\xc3\x28\""), "opter_name", CodeBadUTF8},
		"overlong UTF-8":          {opter("\"\xc0\xaf\""), "opter_name", CodeBadUTF8},
		"surrogate in UTF-8":      {opter("\"\xed\xa0\x80\""), "opter_name", CodeBadUTF8},
		"cut UTF-8":               {opter("\"\xe7\x8e\""), "opter_name", CodeBadUTF8},
		"lone high":               {opter(`"\ud800"`), "opter_name", CodeBadUTF8},
		"lone low":                {opter(`"\udc00"`), "opter_name", CodeBadUTF8},
		"high and letter":         {opter(`"\ud800\u0041"`), "opter_name", CodeBadUTF8},
		"two lows":                {opter(`"\udc00\udc00"`), "opter_name", CodeBadUTF8},
		"two highs":               {opter(`"\ud800\ud800"`), "opter_name", CodeBadUTF8},
		"line feed":               {opter("\"a\nb\""), "opter_name", CodeBadUTF8},
		"escaped line feed":       {opter(`"a\nb"`), "opter_name", CodeBadUTF8},
		"escaped NUL":             {opter(`"\u0000"`), "opter_name", CodeBadUTF8},
		"delete":                  {opter("\"\x7f\""), "opter_name", CodeBadUTF8},
		"C1 control":              {opter("\"\u0085\""), "opter_name", CodeBadUTF8},
		"escaped C1 control":      {opter(`"\u009b"`), "opter_name", CodeBadUTF8},
		"bad escape":              {opter(`"\x41"`), "opter_name", CodeMalformed},
		"short escape":            {opter(`"\u41"`), "opter_name", CodeMalformed},
		"characters":              {opter(`"` + strings.Repeat("a", 51) + `"`), "opter_name", CodeTooLong},
		"bytes":                   {opter(`"` + strings.Repeat("𠮷", 38) + `"`), "opter_name", CodeTooLong},
		"escaped bytes":           {opter(`"` + strings.Repeat(`\ud842\udfb7`, 38) + `"`), "opter_name", CodeTooLong},
		"id too long":             {with(t, `"P42010612345202601310001"`, `"`+strings.Repeat("1", 31)+`"`), "msgid", CodeTooLong},
		"id empty":                {with(t, `"P42010612345202601310001"`, `""`), "msgid", CodeBadValue},
		"id with space":           {with(t, `"P42010612345202601310001"`, `"a b"`), "msgid", CodeBadValue},
		"enum":                    {with(t, `"cash"`, `"CASH"`), "on_shortfall", CodeBadValue},
		"digits":                  {with(t, `"310"`, `"31O"`), "insutype", CodeBadValue},
		"bool":                    {with(t, `"opter":"0001"`, `"agent":{"principal_doc_shown":"true"},"opter":"0001"`), "agent.principal_doc_shown", CodeWrongType},
		"element of wrong type":   {with(t, `"opter":"0001"`, `"passwords":[{"authorizer_psn_no":"1","password":"2"},7]`), "passwords[1]", CodeWrongType},
		"field in element":        {with(t, `"opter":"0001"`, `"passwords":[{"authorizer_psn_no":"1","password":2}]`), "passwords[0].password", CodeWrongType},
		"missing in element":      {with(t, `"opter":"0001"`, `"passwords":[{"authorizer_psn_no":"1"}]`), "passwords[0].password", CodeMissing},
		"too many":                {with(t, `"opter":"0001"`, `"passwords":[`+strings.Repeat(`{"authorizer_psn_no":"1","password":"2"},`, 8)+`{}]`), "passwords[8]", CodeTooMany},
		"comma at end of array":   {with(t, `"opter":"0001"`, `"passwords":[{"authorizer_psn_no":"1","password":"2"},]`), "passwords[1]", CodeMalformed},
		"no comma in array":       {with(t, `"opter":"0001"`, `"passwords":[{"authorizer_psn_no":"1","password":"2"}{}]`), "passwords[0]", CodeMalformed},
		"deep where text belongs": {opter(strings.Repeat("[", 100000)), "opter_name", CodeWrongType},
	} {
		var d Decoder
		err := decodeSettlement(&d, []byte(c.body), &settlement{})
		var e *Error
		if !errors.As(err, &e) || e.Code != c.code || e.Field != c.field {
			t.Errorf("%s: %v, want %s at %q", name, err, c.code, c.field)
			continue
		}
		if e.Offset < 0 || e.Offset > len(c.body) {
			t.Errorf("%s: offset %d of %d", name, e.Offset, len(c.body))
		}
		for _, secret := range []string{"460", "1234", "王", "11010519491231002X"} {
			if strings.Contains(e.Error(), secret) {
				t.Errorf("%s: error text %q tells a value", name, e)
			}
		}
	}
}

func TestAccepted(t *testing.T) {
	for _, body := range []string{
		sample,
		" \t\r\n" + strings.ReplaceAll(strings.ReplaceAll(sample, `":`, "\"\n : \t"), `,"`, "\r\n,\t\"") + "\n",
		with(t, `"王芳"`, `"\u738b\u82b3 \"\\\/ \ud842\udfb7"`),
		with(t, `"王芳"`, `""`),
		with(t, `"王芳"`, `"`+strings.Repeat("王", 50)+`"`),
		with(t, `"opter":"0001"`, `"passwords":[],"opter":"0001"`),
		with(t, `"opter":"0001"`, `"passwords":[`+strings.Repeat(`{"authorizer_psn_no":"1","password":"2"},`, 7)+
			`{"authorizer_psn_no":"1","password":"2"}],"opter":"0001"`),
		with(t, `"opter":"0001"`, `"agent":{"cert_type":"01","certno":"1","name":"李","relation":"2","principal_doc_shown":false},"opter":"0001"`),
	} {
		var d Decoder
		if err := decodeSettlement(&d, []byte(body), &settlement{}); err != nil {
			t.Errorf("%v for %s", err, body)
		}
	}
}

// TestEscapesDoNotMoveEarlierStrings reads many strings with escapes through one growing buffer.
func TestEscapesDoNotMoveEarlierStrings(t *testing.T) {
	shape := MustShape("list")
	var body strings.Builder
	body.WriteString(`{"list":[`)
	for i := range 100 {
		if i > 0 {
			body.WriteByte(',')
		}
		body.WriteString(`"\u0041` + strings.Repeat("x", i) + `"`)
	}
	body.WriteString(`]}`)
	var d Decoder
	d.Reset([]byte(body.String()))
	var got [][]byte
	for d.Object(shape); d.Next(); {
		for d.Array(100); d.Next(); {
			got = append(got, d.String(200, 200))
		}
	}
	if err := d.Done(); err != nil || len(got) != 100 {
		t.Fatalf("%d strings, %v", len(got), err)
	}
	for i, s := range got {
		if want := "A" + strings.Repeat("x", i); string(s) != want {
			t.Fatalf("string %d is %q, want %q", i, s, want)
		}
	}
}

func TestTooDeep(t *testing.T) {
	shape := MustShape("a")
	var d Decoder
	var descend func(levels int)
	descend = func(levels int) {
		d.Object(shape)
		for d.Next() {
			if levels == 1 {
				d.Bool()
			} else {
				descend(levels - 1)
			}
		}
	}
	for levels, want := range map[int]Code{DepthMax: "", DepthMax + 1: CodeTooDeep} {
		d.Reset([]byte(strings.Repeat(`{"a":`, levels) + "true" + strings.Repeat("}", levels)))
		descend(levels)
		err := d.Done()
		var e *Error
		if errors.As(err, &e); want == "" && err != nil || want != "" && (e == nil || e.Code != want) {
			t.Errorf("%d levels: %v, want %q", levels, err, want)
		}
	}
}

func TestIntDateTimeNull(t *testing.T) {
	shape := MustShape("v")
	read := func(text string, get func(*Decoder) int64) (int64, Code) {
		var d Decoder
		var v int64
		d.Reset([]byte(`{"v":` + text + `}`))
		for d.Object(shape); d.Next(); {
			v = get(&d)
		}
		var e *Error
		if errors.As(d.Done(), &e) {
			return v, e.Code
		}
		return v, ""
	}
	integer := func(d *Decoder) int64 { return d.Int(-5, 2030) }
	date := func(d *Decoder) int64 { return int64(d.Date()) }
	instant := func(d *Decoder) int64 { return d.Time() }
	null := func(d *Decoder) int64 {
		if d.Null() {
			return -1
		}
		return d.Int(0, 9)
	}
	for _, c := range []struct {
		get  func(*Decoder) int64
		text string
		v    int64
		code Code
	}{
		{integer, "0", 0, ""}, {integer, "2026", 2026, ""}, {integer, "-5", -5, ""}, {integer, " 7 ", 7, ""},
		{integer, "-6", 0, CodeBadValue}, {integer, "2031", 0, CodeBadValue}, {integer, "-0", 0, CodeBadValue},
		{integer, "99999999999999999999999", 0, CodeBadValue}, {integer, "01", 0, CodeMalformed}, {integer, "-", 0, CodeMalformed},
		{integer, "1.0", 0, CodeWrongType}, {integer, "1e3", 0, CodeWrongType}, {integer, `"1"`, 0, CodeWrongType},
		{integer, "+1", 0, CodeMalformed}, {integer, "1x", 1, CodeMalformed}, {integer, "null", 0, CodeNull},
		{date, `"2026-01-31"`, 20260131, ""}, {date, `"2024-02-29"`, 20240229, ""}, {date, `"2026-02-29"`, 0, CodeBadValue},
		{date, `"2026-13-01"`, 0, CodeBadValue}, {date, `"2026-00-01"`, 0, CodeBadValue}, {date, `"2026-01-00"`, 0, CodeBadValue},
		{date, `"1849-12-31"`, 0, CodeBadValue}, {date, `"2026/01/31"`, 0, CodeBadValue}, {date, `"20260131"`, 0, CodeBadValue},
		{date, `"2026-1-31 "`, 0, CodeBadValue}, {date, `"2026-01-311"`, 0, CodeTooLong}, {date, `20260131`, 0, CodeWrongType},
		{instant, `"1970-01-01T08:00:00+08:00"`, 0, ""}, {instant, `"2026-01-31T10:20:30.5+08:00"`, 1769826030500, ""},
		{instant, `"2026-01-31T10:20:30.123+08:00"`, 1769826030123, ""}, {instant, `"1900-03-01T00:00:00+08:00"`, -2203920000000, ""},
		{instant, `"2026-01-31T10:20:30Z"`, 0, CodeBadValue}, {instant, `"2026-01-31T10:20:30+09:00"`, 0, CodeBadValue},
		{instant, `"2026-01-31t10:20:30+08:00"`, 0, CodeBadValue}, {instant, `"2026-01-31T24:00:00+08:00"`, 0, CodeBadValue},
		{instant, `"2026-01-31T10:20:60+08:00"`, 0, CodeBadValue}, {instant, `"2026-01-31T10:20:30.+08:00"`, 0, CodeBadValue},
		{instant, `"2026-01-31T10:20:30.1234+08:00"`, 0, CodeTooLong}, {instant, `"2026-01-31 10:20:30+08:00"`, 0, CodeBadValue},
		{null, "null", -1, ""}, {null, "3", 3, ""}, {null, "nul", 0, CodeMalformed}, {null, "nulll", -1, CodeMalformed},
	} {
		if v, code := read(c.text, c.get); v != c.v || code != c.code {
			t.Errorf("%s: %d %q, want %d %q", c.text, v, code, c.v, c.code)
		}
	}
}

// TestHandlerBugsPanic: a forgotten field must not silently desynchronise the reader.
func TestHandlerBugsPanic(t *testing.T) {
	shape := MustShape("a? b?")
	for name, bug := range map[string]func(d *Decoder){
		"value not read": func(d *Decoder) {
			d.Object(shape)
			d.Next()
			d.Next()
		},
		"value read twice": func(d *Decoder) {
			d.Object(shape)
			d.Next()
			d.Bool()
			d.Bool()
		},
		"done too early": func(d *Decoder) {
			d.Object(shape)
			d.Next()
			d.Bool()
			_ = d.Done()
		},
		"bad shape":   func(*Decoder) { MustShape("a a") },
		"empty shape": func(*Decoder) { MustShape(" ") },
	} {
		func() {
			defer func() {
				if recover() == nil {
					t.Errorf("%s: no panic", name)
				}
			}()
			var d Decoder
			d.Reset([]byte(`{"a":true,"b":false}`))
			bug(&d)
		}()
	}
}

// TestFullShape fills all 64 bits of the mask and finds each name.
func TestFullShape(t *testing.T) {
	var names []string
	for i := range fieldsMax {
		names = append(names, "psn_field_"+string(rune('a'+i%26))+string(rune('a'+i/26))+"_amt?")
	}
	shape := MustShape(strings.Join(names, " "))
	for i, name := range shape.Names() {
		if shape.lookup([]byte(name)) != i || shape.lookup([]byte(name+"x")) != -1 {
			t.Fatalf("field %q", name)
		}
	}
	var d Decoder
	d.Reset([]byte(`{"` + shape.Names()[63] + `":true,"` + shape.Names()[0] + `":true,"` + shape.Names()[63] + `":true}`))
	for d.Object(shape); d.Next(); {
		d.Bool()
	}
	var e *Error
	if !errors.As(d.Done(), &e) || e.Code != CodeDuplicate || e.Field != shape.Names()[63] {
		t.Fatalf("64th field twice: %v", e)
	}
}
