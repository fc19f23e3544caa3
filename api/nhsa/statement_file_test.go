package nhsa

import (
	"archive/zip"
	"bytes"
	"compress/flate"
	"fmt"
	"hash/crc32"
	"io"
	"runtime"
	"strings"
	"testing"
)

// zipOf packs files by name, name by name.
func zipOf(t testing.TB, files ...string) []byte {
	t.Helper()
	var b bytes.Buffer
	z := zip.NewWriter(&b)
	for i := 0; i < len(files); i += 2 {
		w, err := z.Create(files[i])
		if err == nil {
			_, err = io.WriteString(w, files[i+1])
		}
		if err != nil {
			t.Fatal(err)
		}
	}
	if err := z.Close(); err != nil {
		t.Fatal(err)
	}
	return b.Bytes()
}

// unzipped is the only file in a ZIP, and its name.
func unzipped(t testing.TB, packed []byte) (name, text string) {
	t.Helper()
	r, err := zip.NewReader(bytes.NewReader(packed), int64(len(packed)))
	if err != nil || len(r.File) != 1 {
		t.Fatalf("%d bytes: %v", len(packed), err)
	}
	in, err := r.File[0].Open()
	if err != nil {
		t.Fatal(err)
	}
	defer in.Close()
	b, err := io.ReadAll(in)
	if err != nil {
		t.Fatal(err)
	}
	return r.File[0].Name, string(b)
}

const goodLine = "S0000000010007$\tD0000000010007$\t42010000000001\t75.00\t0.00\t62.20\t0"

func sentLines(lines ...string) string { return strings.Join(lines, "\n") + "\n" }

// A good file: both refunds and settlements, line ends of both kinds, with and without the last, a byte order mark, a column of exp_content.
func TestReadSent(t *testing.T) {
	refund := "S0000000010007$\tD0000000010007$\t42010000000001\t-75.00\t0\t-62.2\t1"
	for name, text := range map[string]string{
		"plain": sentLines(goodLine, refund), "no last line end": goodLine + "\n" + refund, "crlf": goodLine + "\r\n" + refund + "\r\n", "mark": "\xef\xbb\xbf" + sentLines(goodLine, refund),
		"extended": sentLines(goodLine+"\tnull", refund+"\t{\"a\":\"费用\"}"),
	} {
		s, x := readSent(zipOf(t, "a.txt", text))
		if x.bad() || len(s.lines) != 2 || s.extended != (name == "extended") {
			t.Fatalf("%s: %d lines, %s", name, len(s.lines), x.appendText(nil))
		}
		a, b := s.lines[0], s.lines[1]
		if string(a.setl) != "S0000000010007$" || string(a.visit) != "D0000000010007$" || string(a.psn) != "42010000000001" || a.fee != 7500 || a.fund != 0 || a.acct != 6220 || a.flagged || a.refund() {
			t.Errorf("%s: %+v", name, a)
		}
		if a.settled == 0 || b.settled != a.settled || b.fee != -7500 || b.acct != -6220 || !b.flagged || !b.refund() {
			t.Errorf("%s: %+v", name, b)
		}
	}
	for _, text := range []string{"", "\n", "\xef\xbb\xbf"} {
		if s, x := readSent(zipOf(t, "a.txt", text)); x.bad() || len(s.lines) != 0 {
			t.Errorf("%q: %d lines, %s", text, len(s.lines), x.appendText(nil))
		}
	}
}

// Bad files are refused with line and column, and nothing of what stands there.
func TestBadSent(t *testing.T) {
	const marked = "SECRET99"
	set := func(column int, v string) string {
		c := strings.Split(goodLine, "\t")
		c[column] = v
		return strings.Join(c, "\t")
	}
	for _, c := range []struct{ line, code, where string }{
		{"", "wrong_columns", "file[2] 第2行"},
		{strings.Replace(goodLine, "\t", " ", 1), "wrong_columns", "file[2] 第2行"},
		{goodLine + "\tnull", "wrong_columns", "file[2] 第2行"}, // not as line 1
		{goodLine + "\tnull\t", "wrong_columns", "file[2] 第2行"},
		{set(sentSetl, "null"), "missing_field", "file[2].setl_id 第2行结算ID"},
		{set(sentVisit, ""), "missing_field", "file[2].mdtrt_id 第2行就诊ID"},
		{set(sentPsn, marked+" x"), "bad_value", "file[2].psn_no 第2行人员编号"},
		{set(sentPsn, strings.Repeat(marked, 4)), "too_long", "file[2].psn_no 第2行人员编号"},
		{set(sentSetl, "\xff"), "bad_value", "file[2].setl_id 第2行结算ID"},
		{set(sentFee, "null"), "missing_field", "file[2].medfee_sumamt 第2行医疗费总额"},
		{set(sentFee, marked), "amount_malformed", "file[2].medfee_sumamt 第2行医疗费总额"},
		{set(sentFee, "1e3"), "amount_malformed", "file[2].medfee_sumamt 第2行医疗费总额"},
		{set(sentFee, "1.001"), "amount_decimals", "file[2].medfee_sumamt 第2行医疗费总额"},
		{set(sentFee, "0.00"), "amount_zero", "file[2].medfee_sumamt 第2行医疗费总额"},
		{set(sentFee, "100000000000000"), "amount_too_large", "file[2].medfee_sumamt 第2行医疗费总额"},
		{set(sentFund, "-1.00"), "bad_value", "file[2].fund_pay_sumamt 第2行基金支付总额"},
		{set(sentAcct, "-62.20"), "bad_value", "file[2].acct_pay 第2行个人账户支出"},
		{set(sentFee, "-75.00"), "bad_value", "file[2].acct_pay 第2行个人账户支出"},
		{set(sentFlag, "2"), "bad_value", "file[2].refd_setl_flag 第2行退费结算标志"},
	} {
		_, x := readSent(zipOf(t, "a.txt", sentLines(goodLine, c.line)))
		text := string(x.appendText(nil))
		if !strings.HasPrefix(text, "["+c.code+"] "+c.where+"：") || strings.Contains(text, marked) {
			t.Errorf("%q: %s, want %s at %s", c.line, text, c.code, c.where)
		}
	}
	for _, ext := range []string{"\xff", "a\x01b", "\u0085"} {
		if _, x := readSent(zipOf(t, "a.txt", goodLine+"\t"+ext)); x.code != codeBadUTF8 {
			t.Errorf("exp_content %q: %s", ext, x.appendText(nil))
		}
	}
	many := strings.Repeat(goodLine+"\n", statementLinesMax)
	if s, x := parseSent([]byte(many)); x.bad() || len(s.lines) != statementLinesMax {
		t.Errorf("%d lines: %s", statementLinesMax, x.appendText(nil))
	}
	if _, x := parseSent([]byte(many + goodLine)); x.code != codeTooMany || !strings.HasSuffix(string(x.appendText(nil)), fmt.Sprint(statementLinesMax)) {
		t.Errorf("a line too many: %s", x.appendText(nil))
	}
}

func TestBadZip(t *testing.T) {
	good := zipOf(t, "a.txt", sentLines(goodLine))
	wrongSum := bytes.Replace(good, []byte("75.00"), []byte("76.00"), 1)
	if bytes.Equal(wrongSum, good) { // deflated
		wrongSum = stored("a.txt", []byte(goodLine), uint32(len(goodLine)), 1)
	}
	headers := zipOf(t, "a.txt", goodLine)
	headers = append(bytes.Repeat(zipHeader, zipHeadersMax), headers...)
	for name, packed := range map[string][]byte{
		"nothing": nil, "text": []byte(goodLine), "cut off": good[:len(good)-1], "no file": zipOf(t), "two files": zipOf(t, "a.txt", "", "b.txt", ""), "folder": zipOf(t, "a/", ""),
		"folder with a file": zipOf(t, "a/", "", "a/b.txt", ""), "wrong sum": wrongSum, "longer than it says": stored("a.txt", []byte(goodLine), uint32(len(goodLine)-1), crc32.ChecksumIEEE([]byte(goodLine))),
		"shorter than it says": stored("a.txt", []byte(goodLine), uint32(len(goodLine)+1), crc32.ChecksumIEEE([]byte(goodLine))), "headers": headers,
	} {
		if _, x := readSent(packed); x.code != codeZip {
			t.Errorf("%s: %s", name, x.appendText(nil))
		}
	}
	if _, x := readSent(stored("a.txt", []byte(goodLine), uint32(len(goodLine)), crc32.ChecksumIEEE([]byte(goodLine)))); x.bad() {
		t.Errorf("stored: %s", x.appendText(nil))
	}
}

// stored is a ZIP with one file that is not packed, of which it says size and sum.
func stored(name string, text []byte, size, sum uint32) []byte {
	return rawZip(zip.FileHeader{Name: name, Method: zip.Store, CRC32: sum, CompressedSize64: uint64(len(text)), UncompressedSize64: uint64(size)}, text)
}

func rawZip(h zip.FileHeader, data []byte) []byte {
	var b bytes.Buffer
	z := zip.NewWriter(&b)
	w, err := z.CreateRaw(&h)
	if err == nil {
		_, err = w.Write(data)
	}
	if err != nil || z.Close() != nil {
		panic(err)
	}
	return b.Bytes()
}

// A ZIP bomb is refused before it costs memory: one that says how large it is, one that does not, one that says it is packed less, and a directory of
// hundreds of thousands of entries.
func TestZipBomb(t *testing.T) {
	var deflated bytes.Buffer
	w, _ := flate.NewWriter(&deflated, flate.BestCompression)
	zeros := make([]byte, 1<<20)
	const bomb = 256
	for range bomb {
		w.Write(zeros)
	}
	w.Close()
	header := func(says, packed uint64) zip.FileHeader {
		return zip.FileHeader{Name: "a.txt", Method: zip.Deflate, CompressedSize64: packed, UncompressedSize64: says}
	}
	entry := zipOf(t, "a.txt", "")
	at := bytes.Index(entry, zipHeader)
	end := bytes.Index(entry, []byte("PK\x05\x06"))
	crowd := append(bytes.Clone(entry[:at]), bytes.Repeat(entry[at:end], 300_000)...)
	crowd = append(crowd, entry[end:]...)
	bombs := map[string][]byte{
		"honest":             rawZip(header(bomb<<20, uint64(deflated.Len())), deflated.Bytes()),
		"says 16 MiB":        rawZip(header(statementTextMax, uint64(deflated.Len())), deflated.Bytes()),
		"says it is small":   rawZip(header(1000, uint64(deflated.Len())), deflated.Bytes()),
		"says it is a ratio": rawZip(header(uint64(deflated.Len())*zipRatioMax, uint64(deflated.Len())), deflated.Bytes()),
		"says packed more":   rawZip(header(statementTextMax, 1<<31), deflated.Bytes()[:1000]),
		"crowd":              crowd,
	}
	for name, packed := range bombs {
		var before, after runtime.MemStats
		runtime.ReadMemStats(&before)
		_, x := readSent(packed)
		runtime.ReadMemStats(&after)
		took := after.TotalAlloc - before.TotalAlloc
		if x.code != codeZip && x.code != codeZipSize {
			t.Errorf("%s: %s", name, x.appendText(nil))
		}
		if took > statementTextMax+1<<20 {
			t.Errorf("%s: %d bytes of %d packed", name, took, len(packed))
		}
		t.Logf("%s: %d bytes packed, %d taken, %s", name, len(packed), took, x.code)
	}
	if _, x := readSent(zipOf(t, "a.txt", strings.Repeat("0", 1<<20))); x.code != codeZipSize {
		t.Errorf("over the ratio: %s", x.appendText(nil))
	}
}

// The ratio's limit leaves room for what pharmacies send: many lines that differ only in an id that counts up.
func TestPackedStatement(t *testing.T) {
	var b strings.Builder
	for i := range 20_000 {
		id := settlementID(1<<40 + 7*1<<16 + 3)
		id[10], id[11] = "0123456789ABCDEF"[i%16], "0123456789ABCDEF"[i/16%16]
		fmt.Fprintf(&b, "%s\tD%s\t4201%010d\t12.50\t0.00\t12.50\t0\n", id, id[1:], i)
	}
	packed := zipOf(t, "a.txt", b.String())
	t.Logf("%d bytes to %d", b.Len(), len(packed))
	if s, x := readSent(packed); x.bad() || len(s.lines) != 20_000 {
		t.Errorf("%s", x.appendText(nil))
	}
	if b.Len() > len(packed)*zipRatioMax/2 {
		t.Errorf("the ratio leaves no room")
	}
}

// Any bytes as TXT: no panic; what is taken can be written again and read as the same; what is refused names a line.
func FuzzParseSent(f *testing.F) {
	for _, s := range []string{"", "\n", goodLine, sentLines(goodLine, goodLine), goodLine + "\tnull\r\n", "\xef\xbb\xbf" + goodLine, goodLine + "\t\xc2", strings.Replace(goodLine, "75.00", "-75", 1),
		"null\tnull\tnull\tnull\tnull\tnull\tnull", "\t\t\t\t\t\t", goodLine + "\n\n"} {
		f.Add([]byte(s))
	}
	f.Fuzz(func(t *testing.T, text []byte) {
		s, x := parseSent(bytes.Clone(text))
		if x.bad() {
			if texts[x.code] == "" || !strings.HasPrefix(x.where, "file") {
				t.Errorf("%q: %+v", text, x)
			}
			return
		}
		if n := strings.Count(strings.TrimSuffix(strings.TrimPrefix(string(text), "\xef\xbb\xbf"), "\n"), "\n") + 1; len(s.lines) != n && len(s.lines) != 0 {
			t.Errorf("%q: %d lines, want %d", text, len(s.lines), n)
		}
		var w resultWriter
		for i := range s.lines {
			l := &s.lines[i]
			w.columns = 0
			w.column(l.setl)
			w.column(l.visit)
			w.column(l.psn)
			w.amounts(l.fee, l.fund, l.acct)
			flag := "0"
			if l.flagged {
				flag = "1"
			}
			w.column([]byte(flag))
			w.end()
		}
		again, x := parseSent(w.b)
		if x.bad() || len(again.lines) != len(s.lines) {
			t.Fatalf("%q: written as %q: %s", text, w.b, x.appendText(nil))
		}
		for i := range s.lines {
			if fmt.Sprint(s.lines[i]) != fmt.Sprint(again.lines[i]) {
				t.Errorf("%q: line %d: %+v, again %+v", text, i, s.lines[i], again.lines[i])
			}
		}
	})
}

// Any bytes as ZIP: no panic, no more memory than the limits, no text beyond them.
func FuzzUnpack(f *testing.F) {
	f.Add(zipOf(f, "a.txt", goodLine))
	f.Add(zipOf(f))
	f.Add(zipOf(f, "a.txt", "", "b.txt", ""))
	f.Add(stored("a.txt", []byte(goodLine), 5, 1))
	f.Fuzz(func(t *testing.T, packed []byte) {
		text, x := unpack(packed)
		if !x.bad() && (len(text) > statementTextMax || len(text) > zipRatioMax*len(packed)) {
			t.Errorf("%d bytes of %d", len(text), len(packed))
		}
	})
}
