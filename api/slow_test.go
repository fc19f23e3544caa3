package api

import (
	"fmt"
	"io"
	"net"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"gongji/bench/proof"
)

// slowKinds are what a slow client has sent of a request before it drips: "" nothing, then into the header, then into the body.
func slowKinds() []string {
	return []string{"", "POST /v1/settlements HTTP/1.1\r\nHost: localhost\r\nX-A: ", "POST /v1/settlements HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/json\r\nContent-Length: 60000\r\n\r\n{", "GET /v1/settlements HTTP/1.1\r\nHost: localhost\r\nX-A: "}
}

// slowBytesMax bounds what a slow connection costs, in bytes: 16 KiB and 4 KiB of buffers (ConnectionsMax), and here the client and all stacks too. 49 KB were measured with 2,000, 65 KB with 200.
const slowBytesMax = 256 << 10

// slowClient sends the beginning of a request and then a byte now and then, until the server cuts it. cut: it did, answered is the status, 0 for none. The limit is generous:
// who is not cut by then never is.
func slowClient(addr, begin string, drip <-chan struct{}) (cut bool, status int, err error) {
	c, err := net.Dial("tcp", addr)
	if err != nil {
		return false, 0, err
	}
	defer c.Close()
	if err := c.SetDeadline(time.Now().Add(2 * time.Minute)); err != nil {
		return false, 0, err
	}
	if _, err := io.WriteString(c, begin); err != nil {
		return true, 0, nil
	}
	answered := make(chan string, 1)
	go func() {
		text, _ := io.ReadAll(c) // ends with the connection
		answered <- string(text)
	}()
	for {
		select {
		case text := <-answered:
			if text != "" {
				if _, err := fmt.Sscanf(text, "HTTP/1.1 %d", &status); err != nil || strings.Count(text, "HTTP/1.1 ") != 1 {
					return true, 0, fmt.Errorf("a slow client got %q", text)
				}
			}
			return true, status, nil
		case <-drip:
			if begin != "" {
				_, _ = io.WriteString(c, "a") // after the cut it fails, and the reader ends
			}
		}
	}
}

// TestSlowloris (T19, reliability.md S7): connections that send nothing, or a byte now and then, are all cut; meanwhile every other caller is answered. 2,000 at full size.
func TestSlowloris(t *testing.T) {
	l := proof.New("T19", "slowloris")
	n := proof.Of(2000)
	f := start(t, func(o *Options) {
		o.AccessLog = 0
		o.ReadTimeout, o.IdleTimeout = 500*time.Millisecond, 500*time.Millisecond // instead of 5 s and 30 s
	})
	var heap heapWatch
	heap.begin()
	drip := make(chan struct{})
	tick := time.NewTicker(time.Millisecond)
	defer tick.Stop()
	var cut, answered, failed atomic.Int64
	var wg sync.WaitGroup
	for i := range n {
		wg.Go(func() {
			ok, status, err := slowClient(f.BusinessAddr(), slowKinds()[i%4], drip)
			switch {
			case err != nil || status != 0 && status != 408:
				failed.Add(1)
				t.Errorf("slow client %d: status %d, %v", i, status, err)
			case ok:
				cut.Add(1)
				if status == 408 {
					answered.Add(1)
				}
			}
		})
	}
	gone := make(chan struct{})
	go func() { wg.Wait(); close(gone) }()
	served, most := int64(0), int64(0)
	for open := true; open; {
		select {
		case <-gone:
			open = false
		case <-tick.C:
			for range min(n, 40) { // some of the clients send a byte
				select {
				case drip <- struct{}{}:
				default:
				}
			}
			most = max(most, int64(f.business.connections.count()))
			heap.look()
			if a := f.ask(f.BusinessAddr(), good()); a.status != 200 {
				t.Errorf("meanwhile another caller got %d", a.status)
			}
			served++
		}
	}
	waitFor(t, func() bool { return f.business.connections.count() == 0 })
	l.AtLeast("connections", int64(n), int64(n)).AtLeast("cut", cut.Load(), int64(n)).Word("told", answered.Load()).AtLeast("others-served", served, 1).Word("most-open", most).
		Zero("failed", failed.Load()).Zero("executed", f.effects.Load()-served).Word("bytes-each", heap.grown/uint64(n)).Zero("beyond-limit", int64(heap.grown)/int64(n)/slowBytesMax).Print(t)
}
