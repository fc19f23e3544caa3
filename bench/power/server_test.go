package power

import (
	"bufio"
	"bytes"
	"fmt"
	"io"
	"net"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"
)

// scratch holds the binaries that were built, for the life of the test process.
var scratch = ""

var built = map[string]string{}

// tagsVariable builds the server under test with tags: a seeded defect (T20) that these tests must see.
const tagsVariable = "GONGJI_POWER_TAGS"

// binary builds the real server once for each set of tags, as `make build` does.
func binary(t *testing.T, tags string) string {
	t.Helper()
	if path, ok := built[tags]; ok {
		return path
	}
	if scratch == "" {
		dir, err := os.MkdirTemp("", "gongji-power-")
		if err != nil {
			t.Fatal(err)
		}
		scratch = dir
	}
	path := filepath.Join(scratch, fmt.Sprint("gongji", len(built)))
	c := exec.Command("go", "build", "-trimpath", "-buildvcs=false", "-tags", tags, "-o", path, "gongji/cmd/gongji")
	c.Env = append(os.Environ(), "CGO_ENABLED=0")
	if out, err := c.CombinedOutput(); err != nil {
		t.Fatalf("build with tags %q: %v\n%s", tags, err, out)
	}
	built[tags] = path
	return path
}

// testedBinary is the one whose promises are tested: no tags, but in a run for a seeded defect.
func testedBinary(t *testing.T) string { return binary(t, os.Getenv(tagsVariable)) }

// setup says where and how a server runs. It survives the server's processes.
type setup struct {
	binary, dir, business, admin string
	more                         []string // further flags
}

func newSetup(t *testing.T, bin, dir string, more ...string) *setup {
	t.Helper()
	return &setup{binary: bin, dir: dir, business: freeAddress(t), admin: freeAddress(t), more: more}
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

// server is one process of the real binary.
type server struct {
	setup   *setup
	cmd     *exec.Cmd
	begun   time.Time
	serving chan struct{} // closed when it says that it serves
	ended   chan struct{} // closed when the process is gone
	http    *http.Client

	mu   sync.Mutex
	said []string // its log but for audit lines, at most saidMax of the newest
}

const (
	// saidMax lines of a server's log are kept for the test's own log.
	saidMax = 200
	// patience for a server to come up or go down on a busy machine; nothing is measured by it.
	patience = 60 * time.Second
)

// spawn starts the process and does not wait for it to serve.
func (s *setup) spawn(t *testing.T) *server {
	t.Helper()
	args := append([]string{"serve", "--dir", s.dir, "--listen", s.business, "--admin-listen", s.admin}, s.more...)
	x := &server{setup: s, cmd: exec.Command(s.binary, args...), begun: time.Now(), serving: make(chan struct{}), ended: make(chan struct{}),
		http: &http.Client{Timeout: patience, Transport: &http.Transport{MaxIdleConnsPerHost: 64}}}
	x.cmd.SysProcAttr = &syscall.SysProcAttr{Pdeathsig: syscall.SIGKILL}
	stderr, err := x.cmd.StderrPipe()
	if err == nil {
		err = x.cmd.Start()
	}
	if err != nil {
		t.Fatal(err)
	}
	go func() {
		defer close(x.ended)
		x.listen(stderr)
		_ = x.cmd.Wait() // how it ended is in ProcessState
	}()
	t.Cleanup(func() { x.kill() })
	return x
}

func (x *server) listen(stderr io.Reader) {
	for in := bufio.NewScanner(stderr); in.Scan(); {
		line := in.Bytes()
		if bytes.Contains(line, []byte(`"full view"`)) {
			continue
		}
		x.mu.Lock()
		x.said = append(x.said[max(0, len(x.said)-saidMax):], string(line))
		x.mu.Unlock()
		if bytes.Contains(line, []byte(`"message":"serving"`)) {
			close(x.serving)
		}
	}
}

// log is what the process said.
func (x *server) log() string {
	x.mu.Lock()
	defer x.mu.Unlock()
	return strings.Join(x.said, "\n")
}

// start starts a server that serves, and gives how long that took.
func (s *setup) start(t *testing.T) (*server, time.Duration) {
	t.Helper()
	x := s.spawn(t)
	took, err := x.up()
	if err != nil {
		t.Fatal(err)
	}
	return x, took
}

// up waits until the server serves and says that it is ready (P15: it says so only when it is).
func (x *server) up() (time.Duration, error) {
	select {
	case <-x.serving:
	case <-x.ended:
		return 0, fmt.Errorf("the server did not come up: %v\n%s", x.cmd.ProcessState, x.log())
	case <-time.After(patience):
		return 0, fmt.Errorf("the server does not come up\n%s", x.log())
	}
	took := time.Since(x.begun)
	a, err := x.get("/readyz")
	if err == nil && a.status != 200 {
		err = fmt.Errorf("it serves and is not ready: %d %s", a.status, a.body)
	}
	return took, err
}

// isEnded tells whether the process is gone.
func (x *server) isEnded() bool {
	select {
	case <-x.ended:
		return true
	default:
		return false
	}
}

// wait gives the exit code; -1: a signal ended it.
func (x *server) wait(t *testing.T) int {
	t.Helper()
	select {
	case <-x.ended:
	case <-time.After(patience):
		t.Fatalf("the server does not end\n%s", x.log())
	}
	x.http.CloseIdleConnections()
	return x.cmd.ProcessState.ExitCode()
}

// kill ends the process with SIGKILL and waits for it; false: it had ended by itself.
func (x *server) kill() bool {
	_ = x.signal(syscall.SIGKILL)
	<-x.ended
	x.http.CloseIdleConnections()
	w, ok := x.cmd.ProcessState.Sys().(syscall.WaitStatus)
	return ok && w.Signaled() && w.Signal() == syscall.SIGKILL
}

func (x *server) signal(s syscall.Signal) error { return x.cmd.Process.Signal(s) }

// stop ends it in order.
func (x *server) stop(t *testing.T) {
	t.Helper()
	if err := x.signal(syscall.SIGTERM); err != nil {
		t.Fatal(err)
	}
	if code := x.wait(t); code != 0 {
		t.Fatalf("stopped with exit code %d\n%s", code, x.log())
	}
}

// answer is what came back.
type answer struct {
	status     int
	replayed   bool
	retryAfter string
	body       []byte
}

// answerMax bounds an answer in bytes.
const answerMax = 16 << 20

func send(c *http.Client, method, url, media string, body []byte) (*answer, error) {
	r, err := http.NewRequest(method, url, bytes.NewReader(body))
	if err != nil {
		return nil, err
	}
	if media != "" {
		r.Header.Set("Content-Type", media)
	}
	resp, err := c.Do(r)
	if err != nil {
		return nil, err
	}
	defer resp.Body.Close()
	a := &answer{status: resp.StatusCode, replayed: resp.Header.Get("Idempotency-Replayed") == "true", retryAfter: resp.Header.Get("Retry-After")}
	a.body, err = io.ReadAll(io.LimitReader(resp.Body, answerMax))
	return a, err
}

// get asks the operators' listener, which shows everything.
func (x *server) get(path string) (*answer, error) {
	return send(x.http, "GET", "http://"+x.setup.admin+path, "", nil)
}

// post sends JSON to the operators' listener, which takes every call.
func (x *server) post(path string, body []byte) (*answer, error) {
	return send(x.http, "POST", "http://"+x.setup.admin+path, "application/json", body)
}

// run runs another command of the binary.
func (s *setup) run(args ...string) (string, error) {
	c := exec.Command(s.binary, args...)
	c.SysProcAttr = &syscall.SysProcAttr{Pdeathsig: syscall.SIGKILL}
	out, err := c.CombinedOutput()
	if err != nil {
		err = fmt.Errorf("gongji %s: %w\n%s", args[0], err, out)
	}
	return string(out), err
}

// stopped waits until every thread of a server stands still after SIGSTOP.
func stopped(t *testing.T, x *server) {
	t.Helper()
	eventually(t, "the server stands still", func() bool {
		return eachThread(x, func(status string) bool {
			return strings.Contains(status, "State:\tT") || strings.Contains(status, "State:\tt")
		})
	})
}

// eachThread tells whether all threads' /proc status satisfy a condition.
func eachThread(x *server, is func(status string) bool) bool {
	paths, err := filepath.Glob(fmt.Sprintf("/proc/%d/task/*/status", x.cmd.Process.Pid))
	if err != nil || len(paths) == 0 {
		return false
	}
	for _, path := range paths {
		status, err := os.ReadFile(path)
		if err != nil || !is(string(status)) {
			return false
		}
	}
	return true
}

// eventually waits for a condition.
func eventually(t *testing.T, what string, is func() bool) {
	t.Helper()
	tick := time.NewTicker(2 * time.Millisecond)
	defer tick.Stop()
	for limit := time.After(patience); !is(); {
		select {
		case <-tick.C:
		case <-limit:
			t.Fatalf("not within %v: %s", patience, what)
		}
	}
}
