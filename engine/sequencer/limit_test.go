package sequencer

import (
	"errors"
	"testing"
	"testing/synctest"
	"time"
)

// A limited request that is used again and again: each wait ends after its own limit and not by the timer of one before; an answer that comes in time is told, one
// that comes after the limit is not, and neither leaves anything behind for the next wait. S7
func TestLimit(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		const limit = 3 * time.Second
		s := New(&fakeLog{}, &fakeClock{wall: 1000}, 0)
		r := NewLimited(limit)
		for _, after := range []time.Duration{0, time.Second, limit - 1, 1, 2 * time.Second, 2 * time.Second, limit - time.Millisecond} {
			must(t, s.Submit(r))
			time.AfterFunc(after, r.Finish)
			begin := time.Now()
			if err := r.Wait(); err != nil || time.Since(begin) != after {
				t.Fatalf("answered after %v: %v after %v", after, err, time.Since(begin))
			}
			r.Reset()
		}
		s.Close()
		if err := s.Submit(r); !errors.Is(err, ErrStopping) {
			t.Fatal(err)
		}
		<-time.After(2 * limit) // by the clock of the test; a refused request rings for nobody
		if len(r.done) > 0 {
			t.Error("a request that was not admitted has an answer")
		}
		s = New(&fakeLog{}, &fakeClock{wall: 1000}, 0)
		must(t, s.Submit(r))
		time.AfterFunc(limit+1, r.Finish)
		begin := time.Now()
		if err := r.Wait(); !errors.Is(err, ErrDeadline) || time.Since(begin) != limit {
			t.Fatalf("%v after %v", err, time.Since(begin))
		}
		synctest.Wait()
		<-time.After(1) // until it is answered
		synctest.Wait()
		if len(r.done) > 0 {
			t.Error("the answer after the limit was told")
		}
	})
}

// While a batch is not durable what is submitted becomes one batch, behind which the next waits again; half a batch of commands waits for nothing. Idle, a cut is
// due at once.
func TestOneBatchFills(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := New(&fakeLog{}, &fakeClock{wall: 1000}, 0)
		end := make(chan error, 1)
		go func() { end <- s.Run() }()
		next := func(want int) *Batch {
			t.Helper()
			synctest.Wait()
			select {
			case b := <-s.Batches():
				if n := b.commands(); n != want {
					t.Fatalf("a batch of %d commands, want %d", n, want)
				}
				return b
			default:
				if want > 0 {
					t.Fatalf("no batch, want one of %d commands", want)
				}
			}
			return nil
		}
		submit := func(n int) {
			t.Helper()
			for range n {
				must(t, s.Submit(request(Till, 1)))
			}
		}
		submit(1)
		first := next(1)
		submit(200)
		next(0)
		s.Durable()
		second := next(200)
		submit(AheadCommands - 1)
		next(0)
		submit(1)
		third := next(AheadCommands)
		s.Durable()
		s.Durable()
		next(0)
		submit(1)
		fourth := next(1)
		for _, b := range []*Batch{first, second, third, fourth} {
			s.Recycle(b)
		}
		submit(5)
		s.Close() // what waits is cut, whatever is on its way
		synctest.Wait()
		next(5)
		must(t, <-end)
	})
}
