package power

import (
	"bufio"
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"gongji/bench/proof"
	"gongji/bench/province"
)

// msgidMark stands where a template's message id comes: as long as every one of numbered.
const msgidMark = "XXXXXXXXXXXXXXXX"

// numbered is the nth message id.
func numbered(n int64) string { return fmt.Sprintf("o%015d", n) }

// A template is a request whose message ids are put in when it is sent.
type template struct {
	text  []byte
	marks []int    // where message ids stand
	codes []string // whose they are
}

// newTemplate makes a request of so many bills; more than one is a batch call.
func newTemplate(p *province.Province, d *province.Day, host string, first, bills int) *template {
	var body bytes.Buffer
	x := &template{}
	for n := range bills {
		b := d.At(first + n)
		b.Msgid = msgidMark
		body.Write(p.AppendSettlement(nil, b))
		body.WriteByte('\n')
		x.codes = append(x.codes, p.Institution(b.Institution).Code)
	}
	path, media := "/v1/settlements", "application/json"
	if bills > 1 {
		path, media = path+"/batch", "application/x-ndjson"
	}
	x.text = fmt.Appendf(nil, "POST %s HTTP/1.1\r\nHost: %s\r\nContent-Type: %s\r\nContent-Length: %d\r\n\r\n%s", path, host, media, body.Len(), body.Bytes())
	for at := 0; ; at += len(msgidMark) {
		next := bytes.Index(x.text[at:], []byte(msgidMark))
		if next < 0 {
			return x
		}
		at += next
		x.marks = append(x.marks, at)
	}
}

// crowd is many connections of one kind.
type crowd struct {
	address   string
	templates []*template
	ids       *atomic.Int64 // message ids used by all crowds
	failed    atomic.Int64  // connections that broke

	mu     sync.Mutex
	counts map[int]int64 // of calls by status
	slow   []time.Duration
	wrong  []string // answers that may not come
	acked  []line
}

// caller is one connection of a crowd.
type caller struct {
	of   *crowd
	conn net.Conn
	in   *bufio.Reader
	buf  []byte
}

// errNoAnswer says that a connection broke.
var errNoAnswer = errors.New("no answer")

// call sends one request and notes the answer.
func (c *caller) call(x *template) error {
	if c.conn == nil {
		conn, err := net.Dial("tcp", c.of.address)
		if err != nil {
			return err
		}
		c.conn, c.in = conn, bufio.NewReader(conn)
	}
	n := c.of.ids.Add(int64(len(x.marks))) - int64(len(x.marks))
	c.buf = append(c.buf[:0], x.text...)
	for i, at := range x.marks {
		copy(c.buf[at:], numbered(n+int64(i)))
	}
	begun := time.Now()
	if _, err := c.conn.Write(c.buf); err != nil {
		return fmt.Errorf("%w: %w", errNoAnswer, err)
	}
	a, err := http.ReadResponse(c.in, nil)
	if err != nil {
		return fmt.Errorf("%w: %w", errNoAnswer, err)
	}
	body, err := io.ReadAll(a.Body)
	if err != nil {
		return fmt.Errorf("%w: %w", errNoAnswer, err)
	}
	c.of.note(a, body, x, n, time.Since(begun))
	return nil
}

func (c *caller) close() {
	if c.conn != nil {
		c.conn.Close()
		c.conn = nil
	}
}

// note counts an answer. Every settled line is kept as acknowledged.
func (w *crowd) note(a *http.Response, body []byte, x *template, n int64, took time.Duration) {
	var acked []line
	wrong := ""
	switch a.StatusCode {
	case 200:
		for i, one := range bytes.Split(bytes.TrimSuffix(body, []byte{'\n'}), []byte{'\n'}) {
			l := line{Kind: kindSettle, State: stateDone, Code: x.codes[i], Msgid: numbered(n + int64(i))}
			if err := json.Unmarshal(one, &l); err != nil || l.ID == "" {
				wrong = fmt.Sprintf("answer to %s: %.200s", numbered(n+int64(i)), one)
				continue
			}
			acked = append(acked, l)
		}
		if len(acked) != len(x.marks) && wrong == "" {
			wrong = fmt.Sprintf("%d answers to %d lines", len(acked), len(x.marks))
		}
	case 429, 503:
		if a.Header.Get("Retry-After") == "" {
			wrong = fmt.Sprintf("%d without Retry-After", a.StatusCode)
		}
	case 504: // the deadline of a call on a slow machine; unknown, and said so (R9)
	default:
		wrong = fmt.Sprintf("answer %d %.200s", a.StatusCode, body)
	}
	w.mu.Lock()
	defer w.mu.Unlock()
	w.counts[a.StatusCode]++
	w.acked = append(w.acked, acked...)
	if a.StatusCode == 200 {
		w.slow = append(w.slow, took)
	}
	if wrong != "" {
		w.wrong = append(w.wrong, wrong)
	}
}

func newCrowd(s *setup, bills int, ids *atomic.Int64) *crowd {
	w := &crowd{address: s.business, ids: ids, counts: map[int]int64{}}
	p := world()
	d := p.Day(proof.Seed(overloadSeed)).WithCount(1 << 30)
	for n := range templatesOf {
		w.templates = append(w.templates, newTemplate(p, d, s.business, n*bills, bills))
	}
	return w
}

// templatesOf a crowd: so many different requests.
const templatesOf = 64

// closed lets each connection send the next request when it has the answer, until over. It gives the calls answered.
func (w *crowd) closed(connections int, over <-chan time.Time) int64 {
	var end atomic.Bool
	var group sync.WaitGroup
	for n := range connections {
		group.Go(func() {
			c := &caller{of: w}
			defer c.close()
			for k := n; !end.Load(); k++ {
				if err := c.call(w.templates[k%len(w.templates)]); err != nil {
					w.failed.Add(1)
					return
				}
			}
		})
	}
	<-over
	end.Store(true)
	group.Wait()
	return w.total()
}

// open lets requests arrive at a rate, whether the ones before are answered or not. An arrival that finds every connection busy is lost to us: it
// is counted and not sent.
func (w *crowd) open(connections int, rate float64, over time.Duration) (arrived, unsent int64) {
	arrivals := make(chan *template)
	var group sync.WaitGroup
	for range connections {
		group.Go(func() {
			c := &caller{of: w}
			defer c.close()
			for x := range arrivals {
				if err := c.call(x); err != nil {
					w.failed.Add(1)
					c.close()
				}
			}
		})
	}
	tick := time.NewTicker(time.Millisecond)
	defer tick.Stop()
	begun := time.Now()
	for at := begun; at.Sub(begun) < over; at = <-tick.C {
		for due := int64(rate * at.Sub(begun).Seconds()); arrived < due; arrived++ {
			select {
			case arrivals <- w.templates[arrived%int64(len(w.templates))]:
			default:
				unsent++
			}
		}
	}
	close(arrivals)
	group.Wait()
	return arrived, unsent
}

func (w *crowd) total() (n int64) {
	w.mu.Lock()
	defer w.mu.Unlock()
	for _, c := range w.counts {
		n += c
	}
	return n
}

// percentile of the time that admitted calls took.
func (w *crowd) percentile(p int) time.Duration {
	w.mu.Lock()
	defer w.mu.Unlock()
	if len(w.slow) == 0 {
		return 0
	}
	slices.Sort(w.slow)
	return w.slow[min(len(w.slow)*p/100, len(w.slow)-1)].Round(time.Millisecond)
}

// crawlers are connections that send a byte now and then, or ask for much and do not read, until over. It gives how many there were.
func crawlers(s *setup, n int, over <-chan struct{}) (opened int64) {
	var group sync.WaitGroup
	var count atomic.Int64
	for i := range n {
		group.Go(func() {
			conn, err := net.Dial("tcp", s.business)
			if err != nil {
				return
			}
			defer conn.Close()
			count.Add(1)
			text := fmt.Sprintf("GET /v1/openapi.json HTTP/1.1\r\nHost: %s\r\n\r\n", s.business)
			if i%2 == 0 {
				_, _ = io.WriteString(conn, strings.Repeat(text, 8)) // and read none of it
				<-over
				return
			}
			tick := time.NewTicker(crawlPause)
			defer tick.Stop()
			for k := 0; k < len(text); k++ {
				select {
				case <-tick.C:
				case <-over:
					return
				}
				if _, err := io.WriteString(conn, text[k:k+1]); err != nil {
					return // cut by the server's own time-out
				}
			}
		})
	}
	group.Wait()
	return count.Load()
}

// crawlPause between two bytes of a crawler.
const crawlPause = 100 * time.Millisecond

// gauges are what a server says of itself.
type gauges struct{ queue, resident, goroutines int64 }

func readGauges(x *server) (g gauges, err error) {
	a, err := x.get("/metrics")
	if err != nil {
		return g, err
	}
	for _, l := range strings.Split(string(a.body), "\n") {
		name, value, _ := strings.Cut(l, " ")
		var f float64
		if _, err := fmt.Sscan(value, &f); err != nil {
			continue
		}
		switch name {
		case "gongji_queue_commands":
			g.queue = int64(f)
		case "process_resident_memory_bytes":
			g.resident = int64(f)
		case "go_goroutines":
			g.goroutines = int64(f)
		}
	}
	return g, nil
}

// sampler looks at the gauges until it is stopped.
type sampler struct {
	stop    chan struct{}
	done    sync.WaitGroup
	samples int64
	most    gauges
}

// sampleEvery is reliability.md's T15.
const sampleEvery = 100 * time.Millisecond

func sample(x *server) *sampler {
	s := &sampler{stop: make(chan struct{})}
	s.done.Go(func() {
		tick := time.NewTicker(sampleEvery)
		defer tick.Stop()
		for {
			select {
			case <-s.stop:
				return
			case <-tick.C:
			}
			g, err := readGauges(x)
			if err != nil {
				continue
			}
			s.samples++
			s.most = gauges{max(s.most.queue, g.queue), max(s.most.resident, g.resident), max(s.most.goroutines, g.goroutines)}
		}
	})
	return s
}

func (s *sampler) end(t *testing.T) gauges {
	t.Helper()
	close(s.stop)
	s.done.Wait()
	return s.most
}
