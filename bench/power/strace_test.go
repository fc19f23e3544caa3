package power

import (
	"bufio"
	"bytes"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"
)

// syncCalls are what the server syncs with: fdatasync for the log's segments, the mark and the state's tables, fsync for directories and small files,
// sync_file_range for the state's tables alone, which promises nothing.
const syncCalls = "fdatasync,fsync"

// tracer is an strace that changes the sync calls of a running server.
type tracer struct {
	cmd   *exec.Cmd
	log   string
	ended chan struct{}
}

// inject attaches strace to a server and returns when every thread is under it. what is strace's, as "error=EIO".
func inject(t *testing.T, x *server, what string) *tracer {
	t.Helper()
	r := &tracer{log: filepath.Join(t.TempDir(), "strace"), ended: make(chan struct{})}
	r.cmd = exec.Command("strace", "-f", "-ttt", "-y", "-o", r.log, "-e", "trace="+syncCalls, "-e", "inject="+syncCalls+":"+what, "-p", strconv.Itoa(x.cmd.Process.Pid))
	r.cmd.SysProcAttr = &syscall.SysProcAttr{Pdeathsig: syscall.SIGKILL}
	var stderr bytes.Buffer
	r.cmd.Stderr = &stderr
	if err := r.cmd.Start(); err != nil {
		t.Fatal(err)
	}
	go func() {
		defer close(r.ended)
		_ = r.cmd.Wait()
	}()
	t.Cleanup(func() { r.detach() })
	tracing := fmt.Sprintf("TracerPid:\t%d\n", r.cmd.Process.Pid)
	eventually(t, "strace holds all threads", func() bool {
		select {
		case <-r.ended:
			t.Fatalf("strace: %v %s", r.cmd.ProcessState, stderr.String())
		default:
		}
		return eachThread(x, func(status string) bool { return strings.Contains(status, tracing) })
	})
	return r
}

// detach lets the server go on as it is.
func (r *tracer) detach() {
	_ = r.cmd.Process.Signal(syscall.SIGINT)
	<-r.ended
}

// injected is one changed call.
type injected struct {
	at   time.Time // when it began
	file string
}

// calls reads which calls were changed so far.
func (r *tracer) calls(t *testing.T) (out []injected) {
	t.Helper()
	text, err := os.ReadFile(r.log)
	if err != nil {
		t.Fatal(err)
	}
	began := map[string]injected{} // by thread, calls of which strace saw the end later
	for in := bufio.NewScanner(bytes.NewReader(text)); in.Scan(); {
		m := traceLine.FindStringSubmatch(in.Text())
		if m == nil {
			continue
		}
		one := injected{at: unixTime(m[2]), file: m[3]}
		if strings.Contains(in.Text(), "resumed>") {
			one = began[m[1]]
		}
		began[m[1]] = one
		if strings.Contains(in.Text(), "INJECTED") || strings.Contains(in.Text(), "DELAYED") {
			out = append(out, one)
		}
	}
	return out
}

// stalled reads which calls on the log's segments are held now.
func (r *tracer) stalled(t *testing.T) (out []injected) {
	t.Helper()
	text, err := os.ReadFile(r.log)
	if err != nil {
		t.Fatal(err)
	}
	for in := bufio.NewScanner(bytes.NewReader(text)); in.Scan(); {
		if m := traceLine.FindStringSubmatch(in.Text()); m != nil && strings.Contains(m[3], "/segments/") {
			out = append(out, injected{at: unixTime(m[2]), file: m[3]})
		}
	}
	return out
}

// traceLine is thread, unix time, and the file if the line has one: 812 1763853040.123456 fdatasync(11</dir/file>) = 0 (DELAYED)
var traceLine = regexp.MustCompile(`^(\d+) +(\d+\.\d+) (?:f(?:data)?sync\(\d+<([^>]*)>|<\.\.\. f)`)

func unixTime(s string) time.Time {
	seconds, micros, _ := strings.Cut(s, ".")
	a, _ := strconv.ParseInt(seconds, 10, 64)
	b, _ := strconv.ParseInt(micros, 10, 64)
	return time.Unix(a, b*1000)
}
