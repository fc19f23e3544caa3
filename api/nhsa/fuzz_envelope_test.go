package nhsa

import (
	"bytes"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	"gongji/api"
	"gongji/engine"
	"gongji/engine/ledger"
)

// fuzzTalk is a dialogue of testdata up to an exchange, whose request is fuzzed: the ones before it make what it speaks of.
type fuzzTalk struct {
	before []exchange
	last   exchange
}

// fuzzTalks are all exchanges of all dialogues with what leads to them. Those beside files are FuzzDayEndFile's.
func fuzzTalks(t testing.TB) (out []fuzzTalk) {
	files, err := filepath.Glob("testdata/*.txt")
	if err != nil || len(files) == 0 {
		t.Fatal("no dialogues")
	}
	for _, path := range files {
		list := readDialogue(t, path)
		for i, x := range list {
			if strings.Contains(x.request, "\n"+fileMark+"\n") || strings.Contains(x.request, "$file_qury_no") {
				break
			}
			out = append(out, fuzzTalk{list[:i], x})
		}
	}
	return out
}

var (
	scalar   = regexp.MustCompile(`: ("[^"]*"|-?[0-9.]+)`)
	msgidOf  = regexp.MustCompile(`"msgid"\s*:\s*"([^"]{1,30})"`)
	holes    = regexp.MustCompile(`\$(setl_id|mdtrt_id|sign_no)`)
	paidByID = map[string]bool{"2102": true, "2207": true, "2304": true}
	gaveBack = map[string]bool{"2103": true, "2208": true, "2305": true, "2601": true}
)

// changed is the request with its place-th value replaced by text; 0: the whole of it.
func (x *fuzzTalk) changed(place uint16, text []byte) []byte {
	if place == 0 {
		return text
	}
	at := scalar.FindAllStringSubmatchIndex(x.last.request, -1)
	hit := at[int(place-1)%len(at)]
	return []byte(x.last.request[:hit[2]] + string(text) + x.last.request[hit[3]:])
}

// talker sends messages of dialogues, each time under message ids of their own, and for one patient only so often that his open visits stay below their limit (visit_limit).
type talker struct {
	*fixture
	fresh   map[string]string // of this talk, by the id in testdata
	vars    map[string]string // what answers told
	talks   int
	patient someone // in the place of the son in testdata
}

// talksEach are the talks of a patient, who may have 20 visits open.
const talksEach = 4

// filled is a request with new message ids and what earlier answers named.
func (k *talker) filled(body []byte) []byte {
	if m := msgidOf.FindSubmatch(body); m != nil && k.fresh[string(m[1])] == "" {
		k.serial++
		k.fresh[string(m[1])] = fmt.Sprintf("Z%029d", k.serial)
	}
	for old, id := range k.fresh {
		body = bytes.ReplaceAll(body, []byte(quote(old)), []byte(quote(id)))
	}
	body = bytes.ReplaceAll(body, []byte("42010000000001"), []byte(k.patient.psnNo))
	body = bytes.ReplaceAll(body, []byte(`"C0001"`), []byte(quote(k.cardNo())))
	body = bytes.ReplaceAll(body, []byte(certnoOf(1)), []byte(k.patient.certno))
	for _, visit := range []string{`"MZ00`, `"ZY00`} { // numbers of visits: one of a patient is not open twice
		body = bytes.ReplaceAll(body, []byte(visit), fmt.Appendf(nil, "%s%d-", visit, k.talks))
	}
	return holes.ReplaceAllFunc(body, func(name []byte) []byte { return []byte(k.vars[string(name[1:])]) })
}

// tell sends a message and remembers what the answer names. What is not an envelope has no json.
func (k *talker) tell(path string, body []byte) *answer {
	k.t.Helper()
	resp, err := k.client.Post(k.business+path, "application/json", bytes.NewReader(k.filled(body)))
	if err != nil {
		k.t.Fatal(err)
	}
	defer resp.Body.Close()
	text, err := io.ReadAll(resp.Body)
	if err != nil {
		k.t.Fatal(err)
	}
	a := &answer{t: k.t, status: resp.StatusCode, text: string(text), header: resp.Header}
	if resp.Header.Get("Content-Type") != "application/json" {
		return a
	}
	if err := json.Unmarshal(text, &a.json); err != nil {
		k.t.Fatalf("%v in %s", err, text)
	}
	for _, name := range named {
		for _, node := range []string{"setlinfo.", "signinoutb.", "data.", "result.", ""} {
			if v, ok := a.at("output." + node + name).(string); ok {
				k.vars[name] = v
			}
		}
	}
	return a
}

func (k *talker) sums() (t ledger.Totals) {
	k.t.Helper()
	if err := k.engine.Ask(func(v engine.View) { t = v.State.Totals() }); err != nil {
		k.t.Fatal(err)
	}
	return t
}

// play leads to the fuzzed exchange and makes it: its answer, and what it moved.
func (k *talker) play(x *fuzzTalk, body []byte) (a *answer, before, after ledger.Totals) {
	k.t.Helper()
	if k.fresh, k.vars = map[string]string{}, map[string]string{}; k.talks%talksEach == 0 {
		k.patient = k.newPerson(true)
		k.credit(k.patient, "500.00")
		k.card(k.patient, k.cardNo(), "SN01")
	}
	k.talks++
	for i := range x.before {
		k.tell(x.before[i].path, []byte(x.before[i].request))
	}
	before = k.sums()
	a = k.tell(x.last.path, body)
	return a, before, k.sums()
}

// envelopeWrong says what must not be in an answer to a message, "" for nothing: planted must not come back in a refusal.
func envelopeWrong(body []byte, a *answer, before, after ledger.Totals, planted []string) string {
	moved := after.Personal + after.Family - before.Personal - before.Family
	switch {
	case after.Sum() != 0:
		return "the accounts do not add up to 0"
	case a.status == http.StatusRequestEntityTooLarge && len(body) > api.NationalBodyMax && moved == 0:
		return ""
	case a.status != 200:
		return "HTTP status"
	case a.str("infcode") == "-1":
		for _, p := range planted {
			if strings.Contains(a.text, p) {
				return "a refusal tells " + p
			}
		}
		if moved != 0 {
			return fmt.Sprintf("refused, and %d fen moved", moved)
		}
		return ""
	}
	return moneyWrong(infnoIn(body), a, moved)
}

// moneyWrong compares what moved with what an accepted answer says.
func moneyWrong(infno string, a *answer, moved int64) string {
	fen := func(name string) int64 { return centsOf(a.str("output.setlinfo." + name)) }
	switch {
	case paidByID[infno]:
		if fen("medfee_sumamt") != fen("fund_pay_sumamt")+fen("acct_pay")+fen("psn_cash_pay")+fen("hosp_part_amt") {
			return "the answer's parts do not add up"
		}
		if moved != -fen("acct_pay") && moved != 0 { // 0: a repeat
			return fmt.Sprintf("%d fen moved, the answer says %d", moved, -fen("acct_pay"))
		}
	case gaveBack[infno]:
		if moved < 0 {
			return fmt.Sprintf("a cancel took %d fen", -moved)
		}
	case moved != 0:
		return fmt.Sprintf("%d fen moved", moved)
	}
	return ""
}

// centsOf reads an amount without the project's own reader; 0 if it is none.
func centsOf(text string) (fen int64) {
	whole, part, _ := strings.Cut(text, ".")
	for _, c := range whole + (part + "00")[:2] {
		if c < '0' || c > '9' {
			return 0
		}
		fen = fen*10 + int64(c-'0')
	}
	return fen
}

// infnoIn is the transaction of a message that was accepted.
func infnoIn(body []byte) string {
	var x struct {
		Infno string `json:"infno"`
	}
	if json.Unmarshal(bytes.TrimPrefix(body, []byte("\xef\xbb\xbf")), &x) != nil {
		return ""
	}
	return x.Infno
}

// cardNo is the patient's card, in the place of C0001.
func (k *talker) cardNo() string { return "C" + k.patient.psnNo }

// planted is the personal data in the messages of a talk.
func (k *talker) planted() []string {
	return []string{k.patient.certno, certnoOf(2), "王小明", "收费员"}
}

// FuzzEnvelope (T19): every message of every dialogue of testdata, with any value replaced or replaced as a whole, over a real connection to the real handlers behind a real engine, after the
// messages that lead to it. HTTP is 200; a refusal has at most 200 characters (checkEnvelope), tells no personal data and moves no money; what is accepted moves what it says.
func FuzzEnvelope(f *testing.F) {
	talks := fuzzTalks(f)
	k := &talker{fixture: dialogue(f)}
	for i := range talks {
		n := len(scalar.FindAllString(talks[i].last.request, -1))
		f.Add(uint8(i), uint16(0), []byte(talks[i].last.request))
		for place := 1 + i%29; place <= n; place += 61 {
			f.Add(uint8(i), uint16(place), []byte([]string{`"0.01"`, `-1`, `null`, `"` + certnoOf(1) + `"`, `[]`}[place%5]))
		}
	}
	f.Fuzz(func(t *testing.T, which uint8, place uint16, text []byte) {
		k.t = t
		x := &talks[int(which)%len(talks)]
		body := x.changed(place, text)
		a, before, after := k.play(x, body)
		if wrong := envelopeWrong(body, a, before, after, k.planted()); wrong != "" {
			t.Errorf("%s\n%q\n%d %.2000s\nbefore %+v\nafter  %+v", wrong, body, a.status, a.text, before, after)
		}
		if a.json != nil {
			checkEnvelope(t, a)
		}
	})
}

// What FuzzEnvelope plays is accepted where it stands unchanged, also a second time in one ledger; and its check sees what it is there for.
func TestFuzzTalks(t *testing.T) {
	talks := fuzzTalks(t)
	k := &talker{fixture: dialogue(t)}
	accepted, paid := 0, 0
	for range 2 {
		for i := range talks {
			x := &talks[i]
			a, before, after := k.play(x, []byte(x.last.request))
			if wrong := envelopeWrong([]byte(x.last.request), a, before, after, k.planted()); wrong != "" {
				t.Fatalf("%s: %s", x.last.request, wrong)
			}
			if a.str("infcode") == "0" {
				accepted++
			}
			if before.Personal != after.Personal {
				paid++
			}
		}
	}
	if accepted < len(talks) || paid == 0 {
		t.Errorf("%d of %d messages accepted, %d moved money", accepted, 2*len(talks), paid)
	}
	zero, some := ledger.Totals{}, ledger.Totals{Personal: -1, Institution: 1}
	refused := func(msg string) *answer {
		return &answer{t: t, status: 200, text: msg, json: map[string]any{"infcode": "-1", "err_msg": msg}}
	}
	taken := &answer{t: t, status: 200, json: map[string]any{"infcode": "0", "output": map[string]any{}}}
	for name, wrong := range map[string]string{
		"fault":    envelopeWrong(nil, &answer{t: t, status: 500}, zero, zero, nil),
		"leak":     envelopeWrong(nil, refused("王小明"), zero, zero, k.planted()),
		"moved":    envelopeWrong(nil, refused("x"), zero, some, nil),
		"sum":      envelopeWrong(nil, taken, zero, ledger.Totals{Personal: 1}, nil),
		"answer":   envelopeWrong([]byte(`{"infno":"2102"}`), taken, zero, some, nil),
		"question": envelopeWrong([]byte(`{"infno":"1101"}`), taken, zero, some, nil),
	} {
		if wrong == "" {
			t.Errorf("%s is not seen", name)
		}
	}
}
