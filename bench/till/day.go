package till

import (
	"context"
	"errors"
	"fmt"
	"io"
	"math/rand/v2"
	"sync"
)

// Limits of a scripted day. Each till is a goroutine with a connection of its own; 256 is what `gongji till-load` keeps too.
const (
	TillsMax = 256
	BillsMax = 1_000_000
)

// Day is a scripted day of many tills: purchases and visits, declines, cut lines, repeated messages, and the close.
type Day struct {
	URL          string
	Signer       Signer
	Institutions []*Institution // tills are dealt to them in turn
	Patients     []Credential   // at least one a till: a till's patients are its own, so that nobody lies in two beds
	Tills, Bills int            // bills of all tills together
	Seed         uint64
	Trace        io.Writer // nil: none. A write a message, from one till at a time
}

var errDay = errors.New("till: day")

func (d *Day) check() error {
	switch {
	case d.Tills < 1 || d.Tills > TillsMax:
		return fmt.Errorf("%w: %d tills, must be 1 to %d", errDay, d.Tills, TillsMax)
	case d.Bills < 1 || d.Bills > BillsMax:
		return fmt.Errorf("%w: %d bills, must be 1 to %d", errDay, d.Bills, BillsMax)
	case len(d.Institutions) == 0:
		return fmt.Errorf("%w: no institution", errDay)
	case len(d.Patients) < d.Tills:
		return fmt.Errorf("%w: %d patients for %d tills", errDay, len(d.Patients), d.Tills)
	}
	return nil
}

// Play plays the day and closes it. The error is an accident that stopped a till; whether the books are level the result says.
func (d *Day) Play(ctx context.Context) (*DayResult, error) {
	if err := d.check(); err != nil {
		return nil, err
	}
	if d.Trace != nil {
		own := *d
		own.Trace = &oneAtATime{w: d.Trace}
		d = &own
	}
	result := newDayResult()
	tills := make([]*dayTill, d.Tills)
	var wg sync.WaitGroup
	for i := range tills {
		tills[i] = d.till(i)
		wg.Go(func() { tills[i].run(ctx) })
	}
	wg.Wait()
	var errs []error
	for _, t := range tills {
		t.Server.Line.Close()
		errs = append(errs, t.err)
		result.add(&t.DayCounts)
	}
	for i, in := range d.Institutions {
		closer := d.till(i)
		closer.Institution, closer.Operator = in, Operator{No: fmt.Sprintf("Z%03d", i+1), Name: "日终对账员"}
		r, err := closer.Reconcile(ctx)
		closer.Server.Line.Close()
		errs = append(errs, err)
		result.close(in, r)
	}
	return result, errors.Join(errs...)
}

// dayTill is one till of the day. One goroutine.
type dayTill struct {
	Till
	DayCounts
	script   *rand.Rand
	patients []Credential
	bills    int
	err      error
}

func (d *Day) till(i int) *dayTill {
	t := &dayTill{script: rand.New(rand.NewPCG(d.Seed, uint64(i))), DayCounts: newCounts(), bills: d.Bills / d.Tills}
	if i < d.Bills%d.Tills {
		t.bills++
	}
	for k := i; k < len(d.Patients); k += d.Tills {
		t.patients = append(t.patients, d.Patients[k])
	}
	t.Till = Till{ConfirmLater: true, Client: &Client{Institution: d.Institutions[i%len(d.Institutions)],
		Server: &Server{URL: d.URL, Line: NewLine(), Signer: d.Signer}, Operator: Operator{No: fmt.Sprintf("T%03d", i+1), Name: "演示收费员"}, Trace: d.Trace}}
	return t
}

// run plays the till's bills. A bill whose outcome stays unknown is left to the close; three in a row, or a book that cannot be written, end the till.
func (t *dayTill) run(ctx context.Context) {
	name := fmt.Sprintf("till %s of %s", t.Operator.No, t.Code)
	if err := t.SignIn(ctx); err != nil {
		t.err = fmt.Errorf("%s: %w", name, err)
		return
	}
	for lost := 0; t.bills > 0 && ctx.Err() == nil; t.bills-- {
		v, err := t.bill(ctx)
		t.note(v, err)
		switch {
		case errors.Is(err, ErrUnresolved):
			if lost++; lost == 3 {
				t.err = fmt.Errorf("%s: %w", name, err)
				return
			}
		case err != nil && !errors.Is(err, ErrRefused):
			t.err = fmt.Errorf("%s: %w", name, err)
			return
		default:
			lost = 0
		}
	}
	if err := t.SignOut(ctx); err != nil {
		t.err = fmt.Errorf("%s: %w", name, err)
	}
}

// Shares of the script in percent; the rest are plain visits. Far more mishaps than a real day has: the close must find them all.
const (
	cutPercent     = 30
	declinePercent = 15
	twicePercent   = 10
	stayPercent    = 25 // of a hospital's visits
)

// bill plays one visit as the script has it.
func (t *dayTill) bill(ctx context.Context) (*Visit, error) {
	percent := func() int { return t.script.IntN(100) }
	d := &Dialogue{Credential: t.patients[t.script.IntN(len(t.patients))], Decline: percent() < declinePercent, Twice: percent() < twicePercent}
	d.Ask = func([]Difference) bool { return percent() < 50 }
	play := &Pharmacy
	switch {
	case t.Type == TypePharmacy:
		d.Items = t.basket(drugs)
	case percent() < stayPercent:
		play, d.Items = &Ward, DemoWard()
	default:
		play, d.Items = &Clinic, t.basket(clinic)
	}
	if percent() < cutPercent {
		messages := append(play.Messages, play.settle, play.settle) // a settlement is what hurts
		t.Server.Line.Cut(messages[t.script.IntN(len(messages))], Points()[t.script.IntN(len(Points()))])
		if percent() < 30 { // and the reversal's line, too
			t.Server.Line.Cut(infReverse, Points()[t.script.IntN(len(Points()))])
		}
	}
	v, err := t.Play(ctx, play, d)
	t.Server.Line.Clear() // a cut at a message that was not sent
	return v, err
}

// basket draws one to four goods.
func (t *dayTill) basket(goods []Item) (items []Item) {
	for range 1 + t.script.IntN(4) {
		items = append(items, some(goods[t.script.IntN(len(goods))], 1+t.script.Int64N(3)))
	}
	return items
}

// oneAtATime lets several tills write.
type oneAtATime struct {
	mu sync.Mutex
	w  io.Writer
}

func (o *oneAtATime) Write(b []byte) (int, error) {
	o.mu.Lock()
	defer o.mu.Unlock()
	return o.w.Write(b)
}
