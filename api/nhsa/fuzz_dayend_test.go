package nhsa

import (
	"fmt"
	"net/http"
	"slices"
	"strings"
	"testing"
)

// dayEndBook is an open day of a shop: purchases with and without fund, one given back.
func dayEndBook(t testing.TB) *shopBook {
	b := &shopBook{fixture: start(t, setup{})}
	b.shop()
	employee, resident := b.newPerson(true), b.newPerson(false)
	b.credit(employee, "5000.00")
	b.bind(employee, resident)
	b.buy(employee, "310", "41", "75.00")
	b.buy(resident, "390", "18", "10.00")
	b.giveBack(*b.buy(employee, "310", "41", "9.99"))
	return b
}

// plainLines reads a detail file without the project's readers: a line's columns with amounts in fen, nil for a file that this reader does not understand, which may
// still be a good one.
func plainLines(text string) (lines []string, fee, fund int64) {
	text = strings.TrimPrefix(text, "\xef\xbb\xbf")
	for _, l := range strings.Split(strings.TrimSuffix(text, "\n"), "\n") {
		c := strings.Split(strings.TrimSuffix(l, "\r"), "\t")
		if len(c) != sentFlag+1 && len(c) != sentFlag+2 {
			return nil, 0, 0
		}
		c = c[:sentFlag+1]
		for _, i := range []int{sentFee, sentFund, sentAcct} {
			sign := int64(1)
			digits := strings.TrimPrefix(c[i], "-")
			if digits != c[i] {
				sign = -1
			}
			n := sign * centsOf(digits)
			if i == sentFee {
				fee += n
			} else if i == sentFund {
				fund += n
			}
			c[i] = fmt.Sprint(n)
		}
		lines = append(lines, strings.Join(c, "\t"))
	}
	return lines, fee, fund
}

// dayEnd sends a file by 9101, compares it by 3202 and fetches the result by 9102. taken: all three were accepted. level: every line of the result is.
func (b *shopBook) dayEnd(packed []byte, fee, fund int64, count int) (wrong string, taken, level bool) {
	body, media := multipartOf(b.t, b.message("9101", shopCode, uploadInput(`""`, shopCode)), packed)
	up := b.sendAs(pathCall, media, body)
	if up.status != http.StatusOK || up.str("infcode") != "0" {
		return unlessOK(up), false, false
	}
	q := b.over(b.today(), b.today())
	q.no, q.fee, q.fund, q.count = up.str("output.file_qury_no"), fee, fund, int64(count)
	a := b.send(pathStmtDetail, b.message("3202", shopCode, q.detail()))
	if a.status != http.StatusOK || a.str("infcode") != "0" {
		return unlessOK(a), false, false
	}
	result, refused := b.download(shopCode, a.str("output.fileinfo.file_qury_no"))
	if refused != nil {
		return "a result that cannot be fetched: " + refused.text, false, false
	}
	level = true
	_, text := unzipped(b.t, result)
	for _, l := range strings.Split(strings.TrimSuffix(text, "\n"), "\n") {
		c := strings.Split(l, "\t")
		if l != "" && len(c) != 10 && len(c) != 11 { // 11 where the file had exp_content
			return fmt.Sprintf("a result line of %d columns: %q", len(c), l), false, false
		}
		level = level && (l == "" || c[4] == "0")
	}
	return "", true, level
}

// unlessOK: a refusal is HTTP 200.
func unlessOK(a *answer) string {
	if a.status == http.StatusOK {
		return ""
	}
	return fmt.Sprintf("HTTP %d: %s", a.status, a.text)
}

// FuzzDayEndFile (T19): any text zipped (way 0) or any bytes as ZIP (way 1) as an institution's detail file, uploaded and compared by the real handlers. No fault, nothing logged or moved; a file
// with exactly the lines of the shop's own book is level, one with others is not, and a refusal tells no personal data.
func FuzzDayEndFile(f *testing.F) {
	b := dayEndBook(f)
	good := strings.Join(linesOf(b.lines), "\n")
	for _, text := range []string{good, good + "\n", strings.ReplaceAll(good, "\n", "\r\n"), "\xef\xbb\xbf" + good, good + "\n" + good, "", "\n", strings.Replace(good, "75.00", "75.01", 1),
		strings.ReplaceAll(good, "\n", "\tnull\n") + "\tnull", strings.Replace(good, "\t", "\t\t", 1), good[:len(good)/2], strings.Replace(good, "75.00", "75", 1), goodLine} {
		f.Add(uint8(0), []byte(text))
		f.Add(uint8(1), zipOf(f, "a.txt", text))
	}
	f.Add(uint8(1), zipOf(f))
	f.Add(uint8(1), zipOf(f, "a.txt", good, "b.txt", good))
	f.Add(uint8(1), stored("a.txt", []byte(good), 5, 1))
	own, _, _ := plainLines(good)
	slices.Sort(own)
	f.Fuzz(func(t *testing.T, way uint8, data []byte) {
		b.t = t
		before := b.sequence()
		packed := data
		if way%2 == 0 {
			packed = zipOf(t, "a.txt", string(data))
		}
		text := ""
		if s, x := unpack(packed); !x.bad() {
			text = string(s)
		}
		lines, fee, fund := plainLines(text)
		wrong, taken, level := b.dayEnd(packed, fee, fund, len(lines))
		slices.Sort(lines)
		switch {
		case wrong != "":
			t.Errorf("%s", wrong)
		case taken && lines != nil && level != slices.Equal(lines, own):
			t.Errorf("level %t of\n%q\nwhere the book has\n%q", level, text, good)
		case b.sequence() != before:
			t.Errorf("a comparison was logged")
		}
	})
}

// What FuzzDayEndFile relies on: the book's own lines are taken and level, and one fen is seen.
func TestFuzzDayEnd(t *testing.T) {
	b := dayEndBook(t)
	good := strings.Join(linesOf(b.lines), "\n")
	for text, want := range map[string]bool{good: true, strings.Replace(good, "75.00", "75.01", 1): false} {
		lines, fee, fund := plainLines(text)
		if wrong, taken, level := b.dayEnd(zipOf(t, "a.txt", text), fee, fund, len(lines)); wrong != "" || !taken || level != want {
			t.Errorf("%q: %s, taken %t, level %t", text, wrong, taken, level)
		}
	}
}
