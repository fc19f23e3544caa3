package wire

import (
	"bufio"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strconv"
	"time"

	"gongji/bench/result"
)

// Wrk is the load generator that others know, for the ceilings: one request at a time a connection, answers looked at no further than their status.
type Wrk struct {
	path, dir, script, bodies string
	made                      Face
}

// ErrNoWrk says that wrk is not installed.
var ErrNoWrk = errors.New("wire: wrk is not installed (package wrk)")

// NewWrk finds wrk and puts its script, which takes bodies in turn and puts a fresh message id into each, into a directory of its own.
func NewWrk(script []byte) (*Wrk, error) {
	path, err := exec.LookPath("wrk")
	if err != nil {
		return nil, ErrNoWrk
	}
	dir, err := os.MkdirTemp("", "gongji-wrk-")
	if err != nil {
		return nil, err
	}
	w := &Wrk{path: path, dir: dir, script: filepath.Join(dir, "wrk.lua"), bodies: filepath.Join(dir, "bodies")}
	return w, os.WriteFile(w.script, script, 0o600)
}

// Close removes the files.
func (w *Wrk) Close() error { return os.RemoveAll(w.dir) }

// wrkBodiesMax of a file: each of wrk's threads holds them all.
const wrkBodiesMax = 50_000

// write puts the bodies of a face into the file and gives their number.
func (w *Wrk) write(j Job) (n int, err error) {
	j.Bills.Count = min(j.Bills.Count, wrkBodiesMax)
	if w.made == j.Face {
		return j.Bills.Count, nil
	}
	list, err := j.templates()
	if err != nil {
		return 0, err
	}
	f, err := os.OpenFile(w.bodies, os.O_CREATE|os.O_TRUNC|os.O_WRONLY, 0o600)
	if err != nil {
		return 0, err
	}
	out := bufio.NewWriter(f)
	for i := range list {
		h, _, _ := cutHead(list[i].bytes)
		out.Write(h)
		out.WriteByte('\n')
	}
	w.made = j.Face
	return len(list), errors.Join(out.Flush(), f.Close())
}

// cutHead gives the body of a request.
func cutHead(b []byte) (body, head []byte, found bool) {
	for i := range b {
		if i+4 <= len(b) && string(b[i:i+4]) == "\r\n\r\n" {
			return b[i+4:], b[:i+4], true
		}
	}
	return nil, b, false
}

var (
	wrkRate    = regexp.MustCompile(`(?m)^Requests/sec:\s+([0-9.]+)`)
	wrkTotal   = regexp.MustCompile(`(?m)^\s*([0-9]+) requests in ([0-9.]+)(us|ms|s|m)`)
	wrkPoint   = regexp.MustCompile(`(?m)^\s+(50|75|90|99)%\s+([0-9.]+)(us|ms|s|m)`)
	wrkLatency = regexp.MustCompile(`(?m)^\s+Latency\s+([0-9.]+)(us|ms|s|m)\s+[0-9.]+(?:us|ms|s|m)\s+([0-9.]+)(us|ms|s|m)`)
	wrkWrong   = regexp.MustCompile(`(?m)^\s*Non-2xx or 3xx responses: ([0-9]+)`)
	wrkErrors  = regexp.MustCompile(`(?m)^\s*Socket errors: (.*)`)
)

// threads of wrk: as the published figures of peers.md have it.
const wrkThreads = 2

// run drives a face for whole seconds. What answered wrongly is among the run's breaches.
func (w *Wrk) run(j Job, seconds int) (r result.Run, cpu float64, bodies int, err error) {
	if bodies, err = w.write(j); err != nil {
		return r, 0, 0, err
	}
	cmd := exec.Command(w.path, "-t", strconv.Itoa(min(wrkThreads, j.Connections)), "-c", strconv.Itoa(j.Connections), "-d", strconv.Itoa(seconds)+"s", "--timeout", "10s", "--latency",
		"-s", w.script, "http://"+j.Server+j.path(), "--", w.bodies, j.Tag)
	out, err := cmd.CombinedOutput()
	if err != nil {
		return r, 0, 0, fmt.Errorf("wire: wrk: %w\n%s", err, out)
	}
	r, err = readWrk(out)
	return r, (cmd.ProcessState.UserTime() + cmd.ProcessState.SystemTime()).Seconds(), bodies, err
}

// readWrk reads what wrk prints.
func readWrk(out []byte) (r result.Run, err error) {
	rate, total := wrkRate.FindSubmatch(out), wrkTotal.FindSubmatch(out)
	if rate == nil || total == nil {
		return r, fmt.Errorf("wire: wrk told no rate:\n%s", out)
	}
	r.Rate, _ = strconv.ParseFloat(string(rate[1]), 64)
	r.Count, _ = strconv.ParseUint(string(total[1]), 10, 64)
	r.Seconds = micros(total[2], total[3]) / 1e6
	l := &result.Latency{Count: r.Count}
	for _, m := range wrkPoint.FindAllSubmatch(out, -1) {
		switch v := micros(m[2], m[3]); string(m[1]) {
		case "50":
			l.P50 = v
		case "90":
			l.P90 = v
		case "99":
			l.P99 = v
		}
	}
	if m := wrkLatency.FindSubmatch(out); m != nil {
		l.Mean, l.Max = micros(m[1], m[2]), micros(m[3], m[4])
	}
	r.Latency = l
	if m := wrkWrong.FindSubmatch(out); m != nil {
		r.Breaches = append(r.Breaches, string(m[1])+" answers were not 200")
	}
	if m := wrkErrors.FindSubmatch(out); m != nil {
		r.Breaches = append(r.Breaches, "socket errors: "+string(m[1]))
	}
	return r, nil
}

func micros(n, unit []byte) float64 {
	v, _ := strconv.ParseFloat(string(n), 64)
	return v * float64(map[string]time.Duration{"us": time.Microsecond, "ms": time.Millisecond, "s": time.Second, "m": time.Minute}[string(unit)]) / 1e3
}
