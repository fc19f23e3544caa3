package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"os"
	"os/signal"
	"sync"
	"sync/atomic"
	"syscall"
	"time"

	"gongji/bench/province"
)

type tillLoadCmd struct {
	Server  string        `help:"Business address of a server with the demo province." default:"http://127.0.0.1:8700"`
	Book    string        `help:"New file for the acknowledged settlements." required:"" placeholder:"FILE"`
	Seed    uint64        `help:"Seed of the province in the server." default:"1"`
	Persons int           `help:"Persons of the province in the server." default:"2000"`
	Tills   int           `help:"Tills at once, each with a connection of its own." default:"32"`
	Rate    int           `help:"Settlements a second of all tills together; 0: as fast as they can." default:"0"`
	For     time.Duration `help:"How long." default:"10s"`
}

// Help documents the book.
func (tillLoadCmd) Help() string {
	return "Plays many tills and keeps a client's own book for verify --acked: one JSON object a line, " +
		`{"fixmedins_code","msgid","setl_id","acct_pay","acct_mulaid_pay","psn_cash_pay"}, amounts in yuan as text. A line is written and synced before it is counted ` +
		"as acknowledged. A request whose answer did not come is counted as unknown and is not in the book. Ends without an error when the server dies."
}

// Run loads until the time is over, the server is gone, or a signal comes.
func (c *tillLoadCmd) Run() error {
	if c.Tills < 1 || c.Tills > clientConnections {
		return fmt.Errorf("--tills %d, must be 1 to %d", c.Tills, clientConnections)
	}
	if c.Persons < 1 || c.Persons > province.MaxPersons {
		return fmt.Errorf("--persons %d, must be 1 to %d", c.Persons, province.MaxPersons)
	}
	b, err := openBook(c.Book)
	if err != nil {
		return err
	}
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	defer stop()
	l := newTillLoad(c, b)
	start := time.Now()
	l.run(ctx)
	took := time.Since(start)
	synced, err := b.close()
	fmt.Printf("acked %d unknown %d refused %d unavailable %d in %.2f s, %.0f a second\n", synced, l.unknown.Load(), l.refused.Load(), l.unavailable.Load(),
		took.Seconds(), float64(synced)/took.Seconds())
	if l.gone.Load() {
		fmt.Println("the server went away")
	}
	return err
}

// tillLoad is one run of many tills.
type tillLoad struct {
	cmd                           *tillLoadCmd
	client                        *client
	province                      *province.Province
	day                           *province.Day
	book                          *book
	prefix                        string
	next                          atomic.Int64
	unknown, refused, unavailable atomic.Int64
	gone                          atomic.Bool
}

// billsMax of a run: more than any run sends, so bill numbers never repeat and with them the message ids.
const billsMax = 1 << 30

func newTillLoad(c *tillLoadCmd, b *book) *tillLoad {
	p := province.New(c.Seed, c.Persons)
	now := time.Now().UnixNano()
	return &tillLoad{cmd: c, client: newClient(c.Server), province: p, day: p.Day(uint64(now)).WithCount(billsMax), book: b, prefix: fmt.Sprintf("T%x-", now)}
}

// run plays all tills.
func (l *tillLoad) run(ctx context.Context) {
	ctx, cancel := context.WithTimeout(ctx, l.cmd.For)
	defer cancel()
	defer l.client.close()
	start := time.Now()
	var wg sync.WaitGroup
	for range l.cmd.Tills {
		wg.Go(func() {
			for ctx.Err() == nil && !l.gone.Load() {
				n := l.next.Add(1) - 1
				if l.cmd.Rate > 0 && !sleepUntil(ctx, start.Add(time.Duration(n)*time.Second/time.Duration(l.cmd.Rate))) {
					return
				}
				l.settle(int(n))
			}
		})
	}
	wg.Wait()
}

// sleepUntil waits for a moment; false: the context ended first.
func sleepUntil(ctx context.Context, at time.Time) bool {
	t := time.NewTimer(time.Until(at))
	defer t.Stop()
	select {
	case <-t.C:
		return true
	case <-ctx.Done():
		return false
	}
}

// settle sends bill n once. A request under way is not cut off when the time is over: its answer is waited for, so that unknown counts what
// the server left unanswered and nothing else.
func (l *tillLoad) settle(n int) {
	b := l.day.At(n)
	b.Msgid = fmt.Sprintf("%s%d", l.prefix, n)
	a, err := l.client.send(context.Background(), http.MethodPost, pathSettlements, mediaJSON, l.province.AppendSettlement(nil, b))
	switch {
	case err != nil:
		l.unknown.Add(1)
		if refusedOrReset(err) {
			l.gone.Store(true)
		}
	case a.ok():
		l.acknowledge(&b, a)
	case a.status == 504:
		l.unknown.Add(1)
	case a.status == 503 || a.status == 429:
		l.unavailable.Add(1)
	default:
		l.refused.Add(1)
	}
}

// refusedOrReset tells a server that is gone from one that is slow.
func refusedOrReset(err error) bool {
	var timeout interface{ Timeout() bool }
	return !(errors.As(err, &timeout) && timeout.Timeout())
}

func (l *tillLoad) acknowledge(b *province.Settlement, a *answer) {
	var x settled
	if err := json.Unmarshal(a.body, &x); err != nil || x.ID == "" {
		l.unknown.Add(1)
		return
	}
	l.book.add(acked{Code: l.province.Institution(b.Institution).Code, Msgid: b.Msgid, ID: x.ID, Acct: x.Acct, Aid: x.Aid, Cash: x.Cash})
}
