package main

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/cockroachdb/pebble/v2"

	"gongji/bench/leak"
	"gongji/bench/proof"
	"gongji/engine/state"
)

// The planted secrets, by their places in leakSecrets. All numbers are of the invented region 99.
const (
	leakSon = iota
	leakMother
	leakStranger
	leakName
	leakOperator
	leakPhone
	leakPassword
	leakWrongPassword
	leakSignSecret
	leakToken
	leakStray // and all behind it: planted only where they do not belong, in place of any value
)

var leakSecrets = []leak.Secret{
	{Kind: leak.Identity, Text: leak.WithCheckDigit("99010119870615001")}, {Kind: leak.Identity, Text: leak.WithCheckDigit("99010119580203004")},
	{Kind: leak.Identity, Text: leak.WithCheckDigit("99010219991130007")}, {Kind: leak.Name, Text: "钱秘密甲"}, {Kind: leak.Name, Text: "孙收费员乙"}, {Kind: leak.Phone, Text: "13977001234"},
	{Kind: leak.Password, Text: "Geheim77x"}, {Kind: leak.Password, Text: "Falsch88y"}, {Kind: leak.Key, Text: "sign-secret-of-ak-0001-of-tests"}, {Kind: leak.Token, Text: "eVoucherTokenNobodyMaySee0001"},
	{Kind: leak.Identity, Text: leak.WithCheckDigit("99010320011224005")}, {Kind: leak.Name, Text: "李迷路丙"}, {Kind: leak.Phone, Text: "13866005678"}, {Kind: leak.Password, Text: "Verirrt99z"}, {Kind: leak.Token, Text: "strayTokenNobodyMaySee0002"},
}

// leakServer is a real server process whose standard error is kept.
type leakServer struct {
	t               *testing.T
	cmd             *exec.Cmd
	business, admin string
	log             string // file of standard output and error
	http            *http.Client
	scanner         *leak.Scanner
	sent            int64
	answers         map[int]int64
	hits            []leak.Hit
	told            map[string]string // what answers name, for later requests
	serial          int
}

// startLeak starts a server on a directory; what it writes goes to a file.
func startLeak(t *testing.T, dir, log string, scanner *leak.Scanner, args ...string) *leakServer {
	t.Helper()
	s := &leakServer{t: t, business: freeAddress(t), admin: freeAddress(t), log: log, http: &http.Client{Timeout: time.Minute}, scanner: scanner, answers: map[int]int64{}, told: map[string]string{}}
	out, err := os.Create(log)
	if err != nil {
		t.Fatal(err)
	}
	defer out.Close()
	args = append([]string{"serve", "--dir", dir, "--listen", s.business, "--admin-listen", s.admin, "--log-level", "debug"}, args...)
	s.cmd = exec.Command(os.Args[0])
	s.cmd.Env = append(os.Environ(), serveArgs+"="+strings.Join(args, "\n"))
	s.cmd.Stdout, s.cmd.Stderr = out, out
	if err := s.cmd.Start(); err != nil {
		t.Fatal(err)
	}
	tick := time.NewTicker(10 * time.Millisecond)
	defer tick.Stop()
	for end := time.Now().Add(time.Minute); ; <-tick.C {
		if resp, err := s.http.Get("http://" + s.admin + "/readyz"); err == nil {
			resp.Body.Close()
			if resp.StatusCode == http.StatusOK {
				return s
			}
		}
		if time.Now().After(end) {
			text, _ := os.ReadFile(log)
			t.Fatalf("the server did not come up: %v\n%s", s.cmd.Process.Kill(), text)
		}
	}
}

// stop ends the server in order.
func (s *leakServer) stop() {
	s.t.Helper()
	s.http.CloseIdleConnections()
	if err := s.cmd.Process.Signal(syscall.SIGTERM); err != nil {
		s.t.Fatal(err)
	}
	if err := s.cmd.Wait(); err != nil {
		s.t.Errorf("the server ended with %v", err)
	}
}

// call makes a request and scans the answer; placeholders are filled.
func (s *leakServer) call(r leakRequest) (status int, text string) {
	s.t.Helper()
	base := s.business
	if r.admin {
		base = s.admin
	}
	req, err := http.NewRequest(r.method, "http://"+base+s.fill(r.path), strings.NewReader(s.fill(r.body)))
	if err != nil {
		s.t.Fatal(err)
	}
	if r.media != "" {
		req.Header.Set("Content-Type", r.media)
	}
	for name, v := range r.headers {
		req.Header.Set(name, v)
	}
	resp, err := s.http.Do(req)
	if err != nil {
		s.t.Fatalf("%s %s: %v", r.method, r.path, err)
	}
	defer resp.Body.Close()
	b, err := io.ReadAll(resp.Body)
	if err != nil {
		s.t.Fatal(err)
	}
	s.sent++
	s.answers[resp.StatusCode]++
	s.learn(b)
	var head bytes.Buffer
	if err := resp.Header.Write(&head); err != nil {
		s.t.Fatal(err)
	}
	s.judge(r, resp.StatusCode, string(b), head.Bytes())
	return resp.StatusCode, string(b)
}

// judge: headers and refusals tell no secret at all. A good answer may tell an institution its patient's name; number and phone only in the national messages that ask for them (1101),
// and a password or key never. What a caller has sent in the place of another value, as his message id, he may be told again when it is accepted.
func (s *leakServer) judge(r leakRequest, status int, text string, head []byte) {
	where := fmt.Sprintf("answer %d to %s %s", status, r.method, r.name)
	hits := s.scanner.Scan("headers of "+where, head)
	refusal := status >= 400 || strings.Contains(text, `"infcode":"-1"`) || strings.Contains(text, `"infcode":-1`)
	for _, h := range s.scanner.Scan(where, []byte(text)) {
		secret := h.Kind == leak.Password || h.Kind == leak.Key || h.Kind == leak.Token
		own := r.spoiled && h.Secret >= leakStray
		if refusal || !own && (secret || h.Kind != leak.Name && !r.national) {
			hits = append(hits, h)
		}
	}
	if status >= 500 {
		s.t.Errorf("%s: %s", where, text)
	}
	s.hits = append(s.hits, hits...)
}

// raw sends bytes that no HTTP client sends, and scans whatever comes back.
func (s *leakServer) raw(addr, text string) {
	s.t.Helper()
	c, err := net.Dial("tcp", addr)
	if err != nil {
		s.t.Fatal(err)
	}
	defer c.Close()
	if err := c.SetDeadline(time.Now().Add(time.Minute)); err != nil {
		s.t.Fatal(err)
	}
	_, _ = io.WriteString(c, text) // it may be cut while it writes
	_ = c.(*net.TCPConn).CloseWrite()
	answer, _ := io.ReadAll(c)
	s.sent++
	s.hits = append(s.hits, s.scanner.Scan("answer to a raw request", answer)...)
}

// metrics and health are outputs too.
func (s *leakServer) outputs() {
	for _, path := range []string{"/metrics", "/healthz", "/readyz", "/v1/ledger/totals", "/v1/events", "/v1/policies"} {
		resp, err := s.http.Get("http://" + s.admin + path)
		if err != nil {
			s.t.Fatal(err)
		}
		b, err := io.ReadAll(resp.Body)
		if err != nil || resp.StatusCode != http.StatusOK || len(b) == 0 {
			s.t.Errorf("%s: %d, %v", path, resp.StatusCode, err)
		}
		resp.Body.Close()
		s.hits = append(s.hits, s.scanner.Scan(path, b)...)
	}
}

// TestLeak (T19, P23, S10, S17): a real server gets planted identity numbers, names, phones, passwords, tokens and a signing key, in all forms, in every sort of request, good and bad; then again
// behind signatures, after a restart. Nothing of it is in its log, metrics, events, refusals, headers, or in the files of its directory, but for the personal fields of commands, in the log and in
// the persons' records, which are not encrypted yet (README, "Not promised"): there numbers must be found, or the scan of files is blind, and passwords and keys must not.
func TestLeak(t *testing.T) {
	l := proof.New("T19", "leak")
	dir := t.TempDir()
	scanner := leak.New(leakSecrets...)
	ledgerDir := filepath.Join(dir, "ledger")
	var sent int64
	answers := map[int]int64{}
	var hits []leak.Hit
	outputs := int64(0)
	for round, args := range [][]string{nil, {"--sign-keys", leakKeys(t, dir)}} {
		log := filepath.Join(dir, fmt.Sprintf("log%d", round))
		s := startLeak(t, ledgerDir, log, scanner, args...)
		if round == 0 {
			s.good()
		}
		s.national(round == 0)
		s.spoiled()
		s.badWires()
		s.outputs()
		s.stop()
		text, err := os.ReadFile(log)
		if err != nil || !bytes.Contains(text, []byte("serving")) || !bytes.Contains(text, []byte("stopped")) {
			t.Errorf("the log of round %d: %v\n%s", round, err, text)
		}
		outputs += int64(len(text))
		hits = append(append(hits, s.hits...), scanner.Scan("log", text)...)
		sent += s.sent
		for status, n := range s.answers {
			answers[status] += n
		}
	}
	personal, elsewhere := leakFiles(t, scanner, ledgerDir)
	hits = append(hits, elsewhere...)
	for _, h := range hits {
		t.Errorf("%v", h)
	}
	good, bad := int64(0), int64(0)
	for status, n := range answers {
		if status < 400 {
			good += n
		} else {
			bad += n
		}
	}
	l.AtLeast("requests", sent, 1000).AtLeast("good", good, 100).AtLeast("bad", bad, 300).Word("log-bytes", outputs).AtLeast("control-hits", int64(len(personal)), 3).Zero("hits", int64(len(hits))).Print(t)
}

// leakFiles scans the directory of a ledger and, key by key, its state store. personal are the personal fields of commands, in the log and in the persons' records, which have their sealed
// place there but are not encrypted yet; elsewhere is what may be in no file.
func leakFiles(t *testing.T, scanner *leak.Scanner, dir string) (personal, elsewhere []leak.Hit) {
	t.Helper()
	hits, files, size, err := scanner.ScanDir(dir)
	if err != nil || files < 5 || size < 1<<16 {
		t.Fatalf("%d files, %d bytes: %v", files, size, err)
	}
	for _, h := range hits {
		ofPeople := h.Kind == leak.Identity || h.Kind == leak.Name || h.Kind == leak.Phone || h.Kind == leak.Token
		switch {
		case strings.HasPrefix(h.Where, "log/") && (ofPeople || h.Secret >= leakStray), strings.HasPrefix(h.Where, "state/") && ofPeople:
			personal = append(personal, h) // which records of the state hold it leakRecords says
		default:
			elsewhere = append(elsewhere, h)
		}
	}
	records, others := leakRecords(t, scanner, filepath.Join(dir, "state"))
	return append(personal, records...), append(elsewhere, others...)
}

// quietPebble says nothing of opening a store; what is fatal ends the test (reliability.md F1: it must not return).
type quietPebble struct{}

func (quietPebble) Infof(string, ...any)              {}
func (quietPebble) Errorf(string, ...any)             {}
func (quietPebble) Fatalf(format string, args ...any) { panic(fmt.Sprintf(format, args...)) }

// leakRecords scans each value of the state store: records of persons hold their sealed place; tables, journal, ids and checkpoints hold no personal data.
func leakRecords(t *testing.T, scanner *leak.Scanner, dir string) (persons, elsewhere []leak.Hit) {
	t.Helper()
	db, err := pebble.Open(dir, &pebble.Options{ReadOnly: true, Logger: quietPebble{}})
	if err != nil {
		t.Fatal(err)
	}
	it, err := db.NewIter(nil)
	if err != nil {
		t.Fatal(err)
	}
	seen := map[byte]int{}
	for ok := it.First(); ok; ok = it.Next() {
		prefix := it.Key()[0]
		seen[prefix]++
		hits := scanner.Scan(fmt.Sprintf("state, key %x", it.Key()), append(bytes.Clone(it.Key()), it.Value()...))
		if prefix == state.PrefixPerson {
			persons = append(persons, hits...)
		} else {
			elsewhere = append(elsewhere, hits...)
		}
	}
	if err := errors.Join(it.Error(), it.Close(), db.Close()); err != nil {
		t.Fatal(err)
	}
	if seen[state.PrefixPerson] == 0 || seen[state.PrefixTables] == 0 || seen[state.PrefixJournal] == 0 || len(persons) == 0 {
		t.Errorf("the state store was not scanned: %v", seen)
	}
	return persons, elsewhere
}

// freeAddress is one that nobody listens on now.
func freeAddress(t *testing.T) string {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	return l.Addr().String()
}
