package nhsa

import (
	"bytes"
	"encoding/json"
	"flag"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"
)

var golden = flag.Bool("golden", false, "write the answers of testdata anew")

// exchange is one request with its answer, as a file of testdata has them: lines of comment, "> POST path", the request, "< status", the answer. Behind a
// line "+ file" of a request stands the TXT that goes zipped beside it; an answer that is a file has its type behind the status, and is the TXT in it.
type exchange struct {
	head    []string // comment lines before it
	path    string
	request string
	status  string
	answer  string
}

func readDialogue(t testing.TB, path string) (list []exchange) {
	t.Helper()
	text, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	var head []string
	into := &[]string{}
	flush := func() {}
	for _, l := range strings.Split(strings.TrimRight(string(text), "\n"), "\n") {
		switch {
		case strings.HasPrefix(l, "#"):
			flush()
			flush = func() {}
			head = append(head, l)
		case strings.HasPrefix(l, "> POST "):
			flush()
			x := exchange{head: head, path: strings.TrimPrefix(l, "> POST ")}
			head, into = nil, &[]string{}
			list = append(list, x)
			i, lines := len(list)-1, into
			flush = func() { list[i].request = strings.Join(*lines, "\n") }
		case strings.HasPrefix(l, "< "):
			flush()
			into = &[]string{}
			i, lines := len(list)-1, into
			list[i].status = strings.TrimPrefix(l, "< ")
			flush = func() { list[i].answer = strings.Join(*lines, "\n") }
		case l != "":
			*into = append(*into, l)
		}
	}
	flush()
	return list
}

func writeDialogue(t *testing.T, path string, list []exchange) {
	t.Helper()
	var b strings.Builder
	for _, x := range list {
		for _, l := range x.head {
			b.WriteString(l + "\n")
		}
		b.WriteString("> POST " + x.path + "\n" + x.request + "\n< " + x.status + "\n" + x.answer + "\n\n")
	}
	if err := os.WriteFile(path, []byte(strings.TrimRight(b.String(), "\n")+"\n"), 0o644); err != nil {
		t.Fatal(err)
	}
}

// Names in a dialogue for what is different in every run; a request may use what an earlier answer has told.
var named = []string{"setl_id", "mdtrt_id", "sign_no", "file_qury_no"}

// What differs and is of no interest: serial numbers and the milliseconds of both times.
var (
	refmsgid = regexp.MustCompile(`("inf_refmsgid": "\d{20})\d{10}"`)
	stamps   = regexp.MustCompile(`("(?:refmsg|respond)_time": "\d{14})\d{3}"`)
)

// dialogue is the world in which every file is played: a shop, a hospital, a son with 20.00 and a card, his mother with 500.00, bound.
func dialogue(t testing.TB) *fixture {
	f := start(t, setup{})
	f.shop()
	f.setUp("/v1/institutions", `{"fixmedins_code":"H42010000001","fixmedins_name":"示范医院","fixmedins_type":"1","hosp_lv":"03","admdvs":"420100"}`)
	son, mother := f.newPerson(true), f.newPerson(true)
	f.credit(son, "20.00")
	f.credit(mother, "500.00")
	f.card(son, "C0001", "SN01")
	f.bind(mother, son)
	return f
}

// TestDialogues replays every file of testdata: the requests as they stand there, and their answers to the last character but for what
// is named or of no interest. README.md quotes them.
func TestDialogues(t *testing.T) {
	files, err := filepath.Glob("testdata/*.txt")
	if err != nil || len(files) < len(transactions()) {
		t.Fatalf("%d dialogues of %d transactions, %v", len(files), len(transactions()), err)
	}
	for _, path := range files {
		t.Run(filepath.Base(path), func(t *testing.T) {
			f := dialogue(t)
			list := readDialogue(t, path)
			vars := map[string]string{}
			shown := false
			for i := range list {
				x := &list[i]
				body := x.request
				for name, v := range vars {
					body = strings.ReplaceAll(body, "$"+name, v)
				}
				status, text, ok := f.play(t, x.path, body, vars)
				shown = shown || ok && infnoOf(t, body) == strings.TrimSuffix(filepath.Base(path), ".txt")
				if *golden {
					x.status, x.answer = status, text
				} else if x.status != status || x.answer != text {
					t.Errorf("exchange %d: got %s\n%s\nwant %s\n%s", i+1, status, text, x.status, x.answer)
				}
			}
			if *golden {
				writeDialogue(t, path, list)
			}
			if !shown {
				t.Error("no accepted answer of the transaction in the file's name")
			}
		})
	}
}

// play sends a request and gives the answer as a dialogue has it; ok: it was not refused.
func (f *fixture) play(t *testing.T, path, body string, vars map[string]string) (status, text string, ok bool) {
	t.Helper()
	body, file, upload := strings.Cut(body, "\n"+fileMark+"\n")
	media := "application/json"
	infno := infnoOf(t, body)
	switch {
	case upload:
		body, media = multipartOf(t, body, zipOf(t, "stmt.txt", file+"\n"))
	case infno == fileDownload.infno:
		if file, ok := f.fetch(path, body); ok {
			_, text = unzipped(t, file)
			for name, v := range vars {
				text = strings.ReplaceAll(text, v, "$"+name)
			}
			return "200 application/octet-stream", strings.TrimSuffix(text, "\n"), true
		}
	}
	a := f.sendAs(path, media, body)
	a.t = t
	if a.str("infcode") == "0" {
		checkTables(t, infno, a)
	}
	if a.status != 200 {
		t.Errorf("status %d: %s", a.status, a.text)
	}
	return "200", normal(t, a, vars), a.str("infcode") == "0"
}

// fileMark is the line before a file.
const fileMark = "+ file"

func infnoOf(t *testing.T, body string) string {
	t.Helper()
	body, _, _ = strings.Cut(body, "\n"+fileMark+"\n")
	var x struct {
		Infno string `json:"infno"`
	}
	if err := json.Unmarshal([]byte(body), &x); err != nil {
		t.Fatal(err)
	}
	return x.Infno
}

// normal is an answer as a dialogue has it; vars takes what it names.
func normal(t *testing.T, a *answer, vars map[string]string) string {
	t.Helper()
	var b bytes.Buffer
	if err := json.Indent(&b, []byte(a.text), "", " "); err != nil {
		t.Fatal(err)
	}
	text := b.String()
	for _, name := range named {
		for _, node := range []string{"setlinfo.", "signinoutb.", "fileinfo.", "data.", "result.", ""} {
			if v, ok := a.at("output." + node + name).(string); ok {
				vars[name] = v
			}
		}
	}
	for name, v := range vars {
		text = strings.ReplaceAll(text, quote(v), quote("$"+name))
	}
	text = refmsgid.ReplaceAllString(text, `${1}0000000001"`)
	return stamps.ReplaceAllString(text, `${1}000"`)
}

// The README names every transaction of the table, and quotes dialogues as they are in testdata.
func TestReadme(t *testing.T) {
	text, err := os.ReadFile("README.md")
	if err != nil {
		t.Fatal(err)
	}
	for _, x := range transactions() {
		if !strings.Contains(string(text), "| "+x.infno+" | "+x.text+" |") {
			t.Errorf("%s %s is not in the README's table", x.infno, x.text)
		}
	}
	var all []string
	files, _ := filepath.Glob("testdata/*.txt")
	for _, path := range files {
		for _, x := range readDialogue(t, path) {
			all = append(all, x.request, x.answer)
		}
	}
	quoted := strings.Split(string(text), "```")
	count := 0
	for i := 1; i < len(quoted); i += 2 {
		if body, ok := strings.CutPrefix(quoted[i], "json\n"); ok {
			count++
			if !slices.Contains(all, strings.TrimRight(body, "\n")) {
				t.Errorf("the README quotes what is in no dialogue: %.200s", body)
			}
		}
	}
	if count < 2 {
		t.Errorf("%d quotations", count)
	}
}
