package peers

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"syscall"
	"testing"

	"go.uber.org/goleak"

	"gongji/bench/proof"
	"gongji/bench/result"
)

// builtBinary builds the binary once; TestMain removes it.
var builtBinary = sync.OnceValues(func() (string, error) {
	dir, err := os.MkdirTemp("", "gongji-built-")
	if err != nil {
		return "", err
	}
	builtDir = dir
	build := exec.Command("go", "build", "-o", filepath.Join(dir, "gongji"), "gongji/cmd/gongji")
	build.Env = append(os.Environ(), "CGO_ENABLED=0")
	if out, err := build.CombinedOutput(); err != nil {
		return "", fmt.Errorf("build: %w\n%s", err, out)
	}
	return filepath.Join(dir, "gongji"), nil
})

var builtDir string

func TestMain(m *testing.M) {
	goleak.VerifyTestMain(m, goleak.Cleanup(func(code int) {
		if builtDir != "" {
			os.RemoveAll(builtDir)
		}
		os.Exit(code)
	}))
}

// whole builds the binary and gives a small `gongji bench peers` in a directory of its own; nil if this run is not asked for or cannot be.
func whole(t *testing.T) (cmd *exec.Cmd, dir string) {
	t.Helper()
	if !proof.Asked() {
		return nil, ""
	}
	if _, err := FindPrograms(); err != nil {
		t.Log(err)
		return nil, ""
	}
	binary, err := builtBinary()
	if err != nil {
		t.Fatal(err)
	}
	dir, err = os.MkdirTemp("", "gongji-whole-") // PostgreSQL's user must reach it
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { os.RemoveAll(dir) })
	if err := os.Chmod(dir, 0o755); err != nil {
		t.Fatal(err)
	}
	return exec.Command(binary, "bench", "peers", "--persons", "36000", "--for", "1s", "--rounds", "1", "--clients", "2,4", "--group-clients", "2", "--connections", "8", "--batch-connections", "2",
		"--shared-buffers", "64MB", "--dir", dir, "--json", filepath.Join(t.TempDir(), "report.json")), dir
}

func leavesNothing(t *testing.T, dir string) {
	t.Helper()
	if left, err := os.ReadDir(dir); err != nil || len(left) != 0 {
		t.Errorf("left behind: %v, %v", left, err)
	}
}

// TestWhole: both sides of a small world give the same answers, balance, and do the same mix; nothing stays behind.
func TestWhole(t *testing.T) {
	cmd, dir := whole(t)
	if cmd == nil {
		return
	}
	out, err := cmd.CombinedOutput()
	if err != nil {
		t.Fatalf("%v\n%s", err, out)
	}
	var r result.Report
	text, err := os.ReadFile(cmd.Args[len(cmd.Args)-1])
	if err == nil {
		err = json.Unmarshal(text, &r)
	}
	if err != nil || r.Format != result.Format {
		t.Fatalf("report of format %d, %v", r.Format, err)
	}
	for _, id := range []string{idOne, idFifty, idAsync, idHTTP, idBatch, idCore} {
		if c := r.Find(id); c == nil || c.Rate() <= 0 || c.Runs[0].Latency.P99 <= 0 || c.Runs[0].CPU <= 0 {
			t.Errorf("%s: %+v", id, c)
		}
	}
	if len(r.Aims) != 3 || !bytes.Contains(out, []byte("the same answers on both sides")) {
		t.Errorf("%s", out)
	}
	leavesNothing(t, dir)
}

// watched passes on what a process says until a word comes up, then calls once.
type watched struct {
	once sync.Once
	word string
	call func()
	said strings.Builder
}

func (w *watched) Write(p []byte) (int, error) {
	w.said.Write(p)
	if strings.Contains(w.said.String(), w.word) {
		w.once.Do(w.call)
	}
	return len(p), nil
}

// TestInterrupted: an interrupt while both sides have data and a load runs ends with an error, and nothing stays behind.
func TestInterrupted(t *testing.T) {
	cmd, dir := whole(t)
	if cmd == nil {
		return
	}
	w := &watched{word: "peer/postgresql/fifty", call: func() {
		if err := cmd.Process.Signal(syscall.SIGINT); err != nil {
			t.Error(err)
		}
	}}
	cmd.Stdout, cmd.Stderr = w, w
	if err := cmd.Run(); err == nil || !strings.Contains(w.said.String(), w.word) {
		t.Errorf("an interrupted run: %v\n%s", err, w.said.String())
	}
	leavesNothing(t, dir)
}

// TestBooksSee: money that comes from nowhere, an entry too few, a lost settlement and a wrong sum are breaches of PostgreSQL's books.
func TestBooksSee(t *testing.T) {
	if !proof.Asked() {
		return
	}
	p, err := FindPrograms()
	if errors.Is(err, ErrMissing) {
		t.Log(err)
		return
	}
	ctx := context.Background()
	c, err := startCluster(ctx, p.bin, "", "64MB")
	if err != nil {
		t.Fatal(err)
	}
	defer func() {
		if err := c.stop(); err != nil {
			t.Error(err)
		}
	}()
	w := NewWorld(3_600, 1)
	if err := c.load(ctx, w); err != nil {
		t.Fatal(err)
	}
	bills := w.sample()[:100]
	if a, err := c.settleSample(ctx, bills, numbersFrom(0, 100)); err != nil || len(a) != 100 {
		t.Fatalf("%d answers, %v", len(a), err)
	}
	f := func(tamper, want string) {
		t.Helper()
		if _, err := c.query(ctx, tamper); err != nil {
			t.Fatal(err)
		}
		_, breaches, err := c.books(ctx, w, 100)
		if got := strings.Join(breaches, "; "); err != nil || want == "" && got != "" || !strings.Contains(got, want) {
			t.Errorf("%s: %q, %v, want %q", tamper, got, err, want)
		}
	}
	f("SELECT 1", "")
	f("UPDATE accounts SET balance = balance + 1 WHERE id = 7", "fen in accounts")
	f("UPDATE accounts SET balance = balance - 1 WHERE id = 7", "")
	f("UPDATE settlements SET cash = cash + 1 WHERE msgid = (SELECT min(msgid) FROM settlements)", "parts do not add up")
	f("UPDATE settlements SET cash = cash - 1 WHERE msgid = (SELECT min(msgid) FROM settlements)", "")
	f("DELETE FROM entries WHERE msgid = (SELECT min(msgid) FROM settlements)", "fen in entries")
	f("DELETE FROM settlements WHERE msgid = (SELECT min(msgid) FROM settlements)", "settlements: 99")
}
