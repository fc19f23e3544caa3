package power

import (
	"bufio"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"math/rand/v2"
	"net/http"
	"os"
	"os/exec"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"
	"syscall"
	"testing"
	"time"

	"gongji/bench/province"
)

// clientVariable makes the test binary a client: its value is a plan.
const clientVariable = "GONGJI_POWER_CLIENT"

// A plan is what a client process does: its connections send messages and write what they are told into the book, until their server is gone
// or standard input ends.
type plan struct {
	Business, Admin string
	Book            string
	Name            string // of this client, in its message ids: two clients never share one
	Seed            uint64
	Lanes           int
	Bindings        [2]int // which of newBindings it may ask for
	Stay            bool   // goes on when the server is gone or turns it away
}

// client is a client process.
type client struct {
	plan    plan
	cmd     *exec.Cmd
	stdin   io.Closer
	acked   atomic.Int64 // synced in its book
	changed chan struct{}
	ended   chan struct{}
}

// startClient starts a client process.
func startClient(t *testing.T, p plan) *client {
	t.Helper()
	text, err := json.Marshal(p)
	if err != nil {
		t.Fatal(err)
	}
	c := &client{plan: p, cmd: exec.Command(os.Args[0]), changed: make(chan struct{}, 1), ended: make(chan struct{})}
	c.cmd.Env = append(os.Environ(), clientVariable+"="+string(text))
	c.cmd.Stderr = os.Stderr
	c.cmd.SysProcAttr = &syscall.SysProcAttr{Pdeathsig: syscall.SIGKILL}
	stdin, err1 := c.cmd.StdinPipe()
	stdout, err2 := c.cmd.StdoutPipe()
	if err := errors.Join(err1, err2, c.cmd.Start()); err != nil {
		t.Fatal(err)
	}
	c.stdin = stdin
	go func() {
		defer close(c.ended)
		for in := bufio.NewScanner(stdout); in.Scan(); {
			if n, err := strconv.ParseInt(strings.TrimPrefix(in.Text(), "acked "), 10, 64); err == nil {
				c.acked.Store(n)
				select {
				case c.changed <- struct{}{}:
				default:
				}
			}
		}
		_ = c.cmd.Wait() // how it ended is in ProcessState
	}()
	t.Cleanup(func() {
		_ = c.cmd.Process.Kill()
		<-c.ended
	})
	return c
}

// reach waits until n answers are synced in the book.
func (c *client) reach(t *testing.T, n int64) {
	t.Helper()
	for limit := time.After(patience); c.acked.Load() < n; {
		select {
		case <-c.changed:
		case <-c.ended:
			t.Fatalf("the client ended with %d acknowledged, %d wanted: %v", c.acked.Load(), n, c.cmd.ProcessState)
		case <-limit:
			t.Fatalf("the client has %d acknowledged, %d wanted", c.acked.Load(), n)
		}
	}
}

// finish lets it end what is under way, and reads its book.
func (c *client) finish(t *testing.T) []*line {
	t.Helper()
	c.stdin.Close()
	return c.finished(t)
}

// finished waits for a client that ends by itself, and reads its book.
func (c *client) finished(t *testing.T) []*line {
	t.Helper()
	select {
	case <-c.ended:
	case <-time.After(patience):
		t.Fatal("the client does not end")
	}
	if !c.cmd.ProcessState.Success() {
		t.Fatalf("client: %v", c.cmd.ProcessState)
	}
	lines, err := readBook(c.plan.Book)
	if err != nil {
		t.Fatal(err)
	}
	return lines
}

func clientMain() {
	var p plan
	err := json.Unmarshal([]byte(os.Getenv(clientVariable)), &p)
	if err == nil {
		err = p.run()
	}
	if err != nil {
		fmt.Fprintln(os.Stderr, "client:", err)
		os.Exit(1)
	}
}

// run is the client process.
func (p *plan) run() error {
	b, err := openBook(p.Book)
	if err != nil {
		return err
	}
	var over atomic.Bool
	go func() {
		_, _ = io.Copy(io.Discard, os.Stdin)
		over.Store(true)
	}()
	w := world()
	h := &http.Client{Timeout: patience, Transport: &http.Transport{MaxIdleConnsPerHost: 2 * p.Lanes}}
	var lanes, telling sync.WaitGroup
	bindings := newBindings(w)[p.Bindings[0]:p.Bindings[1]]
	for n := range p.Lanes {
		l := &lane{plan: p, number: n, world: w, day: w.Day(p.Seed).WithCount(1 << 30), book: b, http: h, over: &over,
			random: rand.New(rand.NewPCG(p.Seed, uint64(n)))}
		for i := n; i < len(bindings); i += p.Lanes {
			l.bindings = append(l.bindings, bindings[i])
		}
		lanes.Go(l.run)
	}
	telling.Go(func() {
		for {
			select {
			case <-b.changed:
				fmt.Println("acked", b.acked.Load())
			case <-b.done:
				fmt.Println("acked", b.acked.Load())
				return
			}
		}
	})
	lanes.Wait()
	err = b.close()
	telling.Wait()
	return err
}

// lane is one connection of a client: one message at a time.
type lane struct {
	plan     *plan
	number   int
	world    *province.Province
	day      *province.Day
	book     *book
	http     *http.Client
	over     *atomic.Bool // for all: the server is gone or the parent wants the end
	random   *rand.Rand
	sent     int
	bindings []province.Binding
	settled  []*line // done and not undone
}

func (l *lane) run() {
	for !l.over.Load() {
		switch n := l.random.IntN(100); {
		case n < 8 && len(l.settled) > 0:
			l.send(cancelOf(l.take(), l.msgid()))
		case n < 15 && len(l.settled) > 0:
			l.send(undoOf(l.take(), l.msgid()))
		case n < 21:
			s := l.bill()
			l.send(undoOf(s, l.msgid())) // overtakes
			l.send(s)
		case n < 30:
			l.send(l.credit())
		case n < 34 && len(l.bindings) > 0:
			b := l.bindings[0]
			l.bindings = l.bindings[1:]
			l.send(&line{Kind: kindBind, Path: "/v1/bindings", Body: l.world.AppendBinding(nil, b), Who: b.User, Msgid: b.Msgid()})
		case n < 42:
			l.preview()
		default:
			s := l.bill()
			if l.send(s); s.State == stateDone {
				l.settled = append(l.settled, s)
			}
		}
	}
}

// msgid is a new one.
func (l *lane) msgid() string {
	l.sent++
	return fmt.Sprintf("%s-%d-%d", l.plan.Name, l.number, l.sent)
}

// bill is a settlement that nobody has sent.
func (l *lane) bill() *line {
	b := l.day.At(l.random.IntN(1 << 30))
	b.Msgid = l.msgid()
	return &line{Kind: kindSettle, Path: "/v1/settlements", Body: l.world.AppendSettlement(nil, b), Who: b.Patient,
		Code: l.world.Institution(b.Institution).Code, Msgid: b.Msgid}
}

// take is one of the lane's own settlements that nothing has undone; whatever comes of the undoing, it is not touched again.
func (l *lane) take() *line {
	i := l.random.IntN(len(l.settled))
	s := l.settled[i]
	l.settled[i] = l.settled[len(l.settled)-1]
	l.settled = l.settled[:len(l.settled)-1]
	return s
}

func cancelOf(s *line, msgid string) *line {
	return &line{Kind: kindCancel, Path: "/v1/settlements/" + s.ID + "/reversal", Who: s.Who, Of: s.Msgid, Code: s.Code, Msgid: msgid,
		Body: fmt.Appendf(nil, `{"msgid":%q,"fixmedins_code":%q,"psn_no":%q,"opter":"D001","reason":"wrong bill"}`, msgid, s.Code, world().PsnNo(s.Who))}
}

func undoOf(s *line, msgid string) *line {
	return &line{Kind: kindUndo, Path: "/v1/reversals", Who: s.Who, Of: s.Msgid, Code: s.Code, Msgid: msgid,
		Body: fmt.Appendf(nil, `{"msgid":%q,"fixmedins_code":%q,"original_msgid":%q,"original_kind":"settlement","psn_no":%q}`,
			msgid, s.Code, s.Msgid, world().PsnNo(s.Who))}
}

func (l *lane) credit() *line {
	who, amount, msgid := l.random.IntN(l.world.Persons()), fen(1+l.random.IntN(50_000)), l.msgid()
	return &line{Kind: kindCredit, Path: "/v1/credits", Who: who, Acct: amount, Msgid: msgid,
		Body: fmt.Appendf(nil, `{"msgid":%q,"psn_no":%q,"amount":%q,"source":"contribution","business_date":"2026-01-05"}`,
			msgid, l.world.PsnNo(who), amount)}
}

// send sends a message once and writes what came of it into the book.
func (l *lane) send(m *line) {
	m.Lane = l.number
	base, amount := l.plan.Business, m.Acct
	if m.Kind == kindCredit {
		base = l.plan.Admin
	}
	m.Sent = now()
	a, err := send(l.http, "POST", "http://"+base+m.Path, "application/json", m.Body)
	m.Got = now()
	m.take(a, err)
	if m.Kind == kindCredit {
		m.Acct = amount
	}
	l.book.lines <- m
	l.rest(m.State == stateTurned, err)
}

// rest ends a client whose server is gone, or lets one that stays wait a little.
func (l *lane) rest(turned bool, err error) {
	switch {
	case err != nil && !l.plan.Stay:
		l.over.Store(true)
	case err != nil || turned:
		<-time.After(awayPause)
	}
}

// awayPause is how long a lane that stays waits for a server that is away.
const awayPause = 20 * time.Millisecond

// preview asks what a bill would cost; the answer must add up, and nothing may come of it.
func (l *lane) preview() {
	s := l.bill()
	body := strings.Replace(string(s.Body), fmt.Sprintf("%q:%q,", "msgid", s.Msgid), "", 1)
	_, err := send(l.http, "POST", "http://"+l.plan.Business+"/v1/settlements/preview", "application/json", []byte(body))
	l.rest(false, err)
}
