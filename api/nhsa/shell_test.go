package nhsa

import (
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"gongji/api/nhsa/catalogue"
)

// Pooled memory is never shared by two calls: every till gets the answer to its own bill (reliability.md S9). Run it with -race.
func TestNoCrossTalk(t *testing.T) {
	f := start(t, setup{})
	f.shop()
	const tills, calls = 16, 25
	people := make([]someone, tills)
	for i := range people {
		people[i] = f.newPerson(true)
		f.credit(people[i], "5000.00")
	}
	wrong := make([]string, tills)
	var wg sync.WaitGroup
	for i := range tills {
		wg.Go(func() { wrong[i] = f.oneTill(people[i], i, calls) })
	}
	wg.Wait()
	for i, w := range wrong {
		if w != "" {
			t.Errorf("till %d: %s", i, w)
		}
	}
}

// oneTill buys calls times, each time what names the till, with a broken message in between.
func (f *fixture) oneTill(p someone, till, calls int) string {
	for k := range calls {
		price := fmt.Sprintf("%d.%02d", till+1, k)
		msgid := fmt.Sprintf("T%03d-%05d", till, k)
		body := sent{infno: "2102", msgid: msgid, input: bought{who: p, total: price, lines: []line{{"1", "TILL" + fmt.Sprint(till), "1", price, price}}}.input()}.body()
		a := f.send(pathCall, body)
		if a.str("output.setlinfo.psn_no") != p.psnNo || a.str("output.setlinfo.medfee_sumamt") != price || a.str("output.setlinfo.medins_setl_id") != msgid {
			return a.text
		}
		if a := f.send(pathCall, strings.Replace(body, `"psn_no"`, `"psn_on"`, 1)); !strings.HasPrefix(a.str("err_msg"), "[missing_field] druginfo.psn_no") {
			return a.text
		}
	}
	return ""
}

// Any bytes: no panic, and what is refused is refused with a code that has a text.
func FuzzRead(f *testing.F) {
	files, _ := filepath.Glob("testdata/*.txt")
	for _, path := range files {
		text, err := os.ReadFile(path)
		if err != nil {
			f.Fatal(err)
		}
		for _, part := range strings.Split(string(text), "> POST ")[1:] {
			_, body, _ := strings.Cut(part, "\n")
			body, _, _ = strings.Cut(body, "\n< ")
			f.Add([]byte(body))
		}
	}
	for _, s := range []string{"", "{", `{"input":{"druginfo":{}}}`, "\xef\xbb\xbf{}", `{"infno":"2102","input":{"drugdetail":[{"cnt":-0.1},[]]}}`, `{"a":"\ud800"}`, `{"infno":"\u0032101","input":[[[[`} {
		f.Add([]byte(s))
	}
	face := newFace(nil, Options{Classifier: catalogue.MustDemo()})
	f.Fuzz(func(t *testing.T, body []byte) {
		m := newMessage(time.Second)
		x := face.read(m, body)
		if x.bad() {
			if texts[x.code] == "" {
				t.Errorf("no text for %s", x.code)
			}
			return
		}
		if m.tx == nil || m.rows[m.in].node != m.tx.input || len(m.trail) != 0 {
			t.Errorf("read as %v", m.tx)
		}
	})
}
