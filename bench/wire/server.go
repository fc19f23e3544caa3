package wire

import (
	"bufio"
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"net/http"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"time"

	"gongji/bench/result"
)

// Server is the one that is measured.
type Server struct {
	Business string // host:port for tills
	Admin    string // http://host:port for operators
	PID      int    // 0: not known, then its CPU and memory are not told
	Dir      string // of its ledger; "": not known
}

// askTimeout bounds one question to the operators' port; a credit run of BillsMax lines takes some seconds on a busy machine.
const askTimeout = 2 * time.Minute

// operator asks the operators' port.
type operator struct {
	base string
	http http.Client
}

func newOperator(base string) *operator {
	return &operator{base: strings.TrimSuffix(base, "/"), http: http.Client{Transport: &http.Transport{}, Timeout: askTimeout}}
}

func (o *operator) close() { o.http.CloseIdleConnections() }

// call sends a body, or asks if it is nil, and gives what is answered with 200.
func (o *operator) call(path, media string, body []byte) ([]byte, error) {
	method := http.MethodGet
	if body != nil {
		method = http.MethodPost
	}
	r, err := http.NewRequest(method, o.base+path, bytes.NewReader(body))
	if err != nil {
		return nil, fmt.Errorf("wire: %w", err)
	}
	if media != "" {
		r.Header.Set("Content-Type", media)
	}
	a, err := o.http.Do(r)
	if err != nil {
		return nil, fmt.Errorf("wire: the operators' port: %w", err)
	}
	text, err := io.ReadAll(io.LimitReader(a.Body, answerMax))
	if err = errors.Join(err, a.Body.Close()); err != nil {
		return nil, fmt.Errorf("wire: the operators' port: %w", err)
	}
	if a.StatusCode != http.StatusOK {
		return nil, fmt.Errorf("wire: %s is answered %d %s", path, a.StatusCode, problemCode(text))
	}
	return text, nil
}

// counters are the ledger's, as /metrics tells them.
type counters struct {
	batches, commands, contested, serial, accepted, relatives, allCash, postings, collections uint64
	collectionCPU                                                                             float64
}

func (o *operator) counters() (c counters, err error) {
	text, err := o.call("/metrics", "", nil)
	if err != nil {
		return c, err
	}
	into := map[string]*uint64{"gongji_batches_total": &c.batches, "gongji_commands_total": &c.commands, "gongji_commands_contested_total": &c.contested,
		"gongji_commands_serial_total": &c.serial, "gongji_settlements_accepted_total": &c.accepted, "gongji_settlements_mutual_aid_total": &c.relatives,
		"gongji_settlements_all_cash_total": &c.allCash, "gongji_postings_total": &c.postings, "go_gc_duration_seconds_count": &c.collections}
	found := 0
	for in := bufio.NewScanner(bytes.NewReader(text)); in.Scan(); {
		name, value, _ := strings.Cut(in.Text(), " ")
		if at := into[name]; at != nil {
			if *at, err = strconv.ParseUint(value, 10, 64); err != nil {
				return c, fmt.Errorf("wire: metric %s: %w", name, err)
			}
			found++
		} else if name == "go_gc_cpu_seconds_total" {
			c.collectionCPU, _ = strconv.ParseFloat(value, 64)
		}
	}
	if found != len(into) {
		return c, fmt.Errorf("wire: /metrics tells %d of the %d counters wanted: another program?", found, len(into))
	}
	return c, nil
}

// since is what has been counted between two readings.
func (c counters) since(b counters) counters {
	return counters{c.batches - b.batches, c.commands - b.commands, c.contested - b.contested, c.serial - b.serial, c.accepted - b.accepted,
		c.relatives - b.relatives, c.allCash - b.allCash, c.postings - b.postings, c.collections - b.collections, c.collectionCPU - b.collectionCPU}
}

// books asks for the sums by account: what personal and family accounts hold, in fen, and what all accounts add up to.
func (o *operator) books() (money, sum int64, err error) {
	text, err := o.call("/v1/ledger/totals", "", nil)
	if err != nil {
		return 0, 0, err
	}
	var t struct {
		Totals struct{ Personal, Family string }
		Sum    string
	}
	if err := json.Unmarshal(text, &t); err != nil {
		return 0, 0, fmt.Errorf("wire: totals: %w", err)
	}
	personal, err1 := parseFen(t.Totals.Personal)
	family, err2 := parseFen(t.Totals.Family)
	sum, err3 := parseFen(t.Sum)
	return personal + family, sum, errors.Join(err1, err2, err3)
}

// parseFen reads yuan with two decimals.
func parseFen(text string) (int64, error) {
	whole, part, found := strings.Cut(text, ".")
	n, err := strconv.ParseInt(whole+part, 10, 64)
	if !found || len(part) != 2 || err != nil {
		return 0, fmt.Errorf("wire: %q is no amount of yuan", text)
	}
	return n, nil
}

// usage is what the server's process has used.
type usage struct {
	cpu     float64 // s
	memory  int64   // bytes resident
	written int64   // bytes handed to block devices
}

// clockTick of /proc/PID/stat: 100 a second on every Linux that Go runs on.
const clockTick = 100

// usage reads /proc; all zero if the process is not known.
func (s *Server) usage() (u usage) {
	if s.PID == 0 {
		return u
	}
	proc := "/proc/" + strconv.Itoa(s.PID)
	stat, err := os.ReadFile(proc + "/stat")
	if err != nil {
		return u
	}
	_, rest, _ := strings.Cut(string(stat), ") ") // the name before may hold anything
	if f := strings.Fields(rest); len(f) > 21 {
		user, _ := strconv.ParseFloat(f[11], 64)
		system, _ := strconv.ParseFloat(f[12], 64)
		pages, _ := strconv.ParseInt(f[21], 10, 64)
		u.cpu, u.memory = (user+system)/clockTick, pages*int64(os.Getpagesize())
	}
	if text, err := os.ReadFile(proc + "/io"); err == nil {
		for line := range strings.Lines(string(text)) {
			if n, ok := strings.CutPrefix(line, "write_bytes: "); ok {
				u.written, _ = strconv.ParseInt(strings.TrimSpace(n), 10, 64)
			}
		}
	}
	return u
}

// disk is the size of the ledger's files.
func (s *Server) disk() (total int64) {
	if s.Dir == "" {
		return 0
	}
	_ = filepath.WalkDir(s.Dir, func(_ string, d fs.DirEntry, err error) error {
		if err == nil && d.Type().IsRegular() {
			if info, err := d.Info(); err == nil {
				total += info.Size()
			}
		}
		return nil // files come and go meanwhile
	})
	return total
}

// reading is the server at one moment of a run.
type reading struct {
	at time.Time
	usage
	counters
}

// watch looks at a server's process four times a second while a run is measured, and at its counters where measuring begins and ends.
func (s *Server) watch(o *operator, begin time.Time, lasts time.Duration) (list []reading, err error) {
	for at := begin; ; at = at.Add(IntervalLength) {
		last := !at.Before(begin.Add(lasts))
		if last {
			at = begin.Add(lasts)
		}
		time.Sleep(time.Until(at))
		r := reading{at: time.Now(), usage: s.usage()}
		if last || len(list) == 0 {
			if r.counters, err = o.counters(); err != nil {
				return nil, err
			}
		}
		if list = append(list, r); last {
			return list, nil
		}
	}
}

// series puts what was answered beside what the server used.
func series(o *Outcome, each int, list []reading) (points []result.Point) {
	for i, h := range o.times {
		p := result.Point{At: float64(i+1) * IntervalLength.Seconds(), Rate: float64(h.Count()) * float64(each) / IntervalLength.Seconds()}
		if l, err := h.Latency(false); err == nil && l.Count > 0 {
			p.P99 = l.P99
		}
		if i+1 < len(list) {
			a, b := &list[i], &list[i+1]
			if t := b.at.Sub(a.at).Seconds(); t > 0 && b.cpu > 0 {
				p.CPU = (b.cpu - a.cpu) / t
			}
			p.Memory = b.memory
		}
		points = append(points, p)
	}
	if n, whole := len(points), time.Duration(o.Seconds*1e9)%IntervalLength; n > 0 && whole > 0 {
		points[n-1].At = o.Seconds
		points[n-1].Rate *= IntervalLength.Seconds() / whole.Seconds()
	}
	return points
}
