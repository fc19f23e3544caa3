package api

import (
	"fmt"
	"strconv"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"pgregory.net/rapid"
)

// bucket is the textbook model: burst tokens, one more each interval, counted in ns.
type bucket struct{ tokens, last int64 }

func (b *bucket) allow(now, interval, burst int64) bool {
	b.tokens = min(burst*interval, b.tokens+now-b.last)
	b.last = now
	if b.tokens < interval {
		return false
	}
	b.tokens -= interval
	return true
}

func TestLimiterIsATokenBucket(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		rate, burst := rapid.IntRange(1, 1000).Draw(t, "rate"), rapid.IntRange(1, 20).Draw(t, "burst")
		l, err := NewLimiter(rate, burst)
		if err != nil {
			t.Fatal(err)
		}
		models := map[string]*bucket{}
		now := int64(1)
		for i := range 200 {
			now += rapid.Int64Range(0, 3*l.interval).Draw(t, "pause")
			caller := strconv.Itoa(rapid.IntRange(0, 2).Draw(t, "caller"))
			m := models[caller]
			if m == nil {
				m = &bucket{tokens: int64(burst) * l.interval, last: now}
				models[caller] = m
			}
			ok, after := l.Allow([]byte(caller), now)
			if want := m.allow(now, l.interval, int64(burst)); ok != want {
				t.Fatalf("request %d at %d: %v, bucket says %v", i, now, ok, want)
			}
			if ok != (after == 0) {
				t.Fatalf("allowed %v, after %v", ok, after)
			}
			if !ok { // exactly then it would be allowed, and not a moment before
				if early, _ := l.Allow([]byte(caller), now+int64(after)-1); early {
					t.Fatal("allowed before the time told")
				}
				now += int64(after)
				if ok, _ := l.Allow([]byte(caller), now); !ok || !m.allow(now, l.interval, int64(burst)) {
					t.Fatal("refused at the time told")
				}
			}
		}
	})
}

func TestLimiterForgetsAndIsBounded(t *testing.T) {
	const keysMax = 100
	l, err := newLimiter(10, 1, keysMax)
	if err != nil {
		t.Fatal(err)
	}
	name := func(i int) []byte { return fmt.Appendf(nil, "caller%d", i) }
	for i := range keysMax {
		if ok, _ := l.Allow(name(i), 0); !ok {
			t.Fatalf("caller %d refused", i)
		}
	}
	allowed := 0
	for i := keysMax; i < 3*keysMax; i++ { // no room and nobody to forget: all of these share one rate
		if ok, _ := l.Allow(name(i), 1); ok {
			allowed++
		}
	}
	if allowed != 1 || l.keys.Size() != keysMax {
		t.Fatalf("%d newcomers allowed, %d keys", allowed, l.keys.Size())
	}
	if ok, _ := l.Allow(name(0), 2); ok {
		t.Fatal("a known caller lost his state")
	}
	later := int64(2 * time.Second)
	if ok, _ := l.Allow(name(5000), later); !ok || l.keys.Size() != 1 || l.count.Load() != 1 {
		t.Fatalf("after the sweep: %v, %d keys, count %d", ok, l.keys.Size(), l.count.Load())
	}
	for _, bad := range [][2]int{{0, 1}, {1, 0}, {-1, 1}, {1_000_001, 1}} {
		if _, err := NewLimiter(bad[0], bad[1]); err == nil {
			t.Errorf("limiter %v accepted", bad)
		}
	}
}

func TestLimiterUnderContention(t *testing.T) {
	l, err := newLimiter(1, 500, 10)
	if err != nil {
		t.Fatal(err)
	}
	var allowed atomic.Int64
	var wg sync.WaitGroup
	for range 8 {
		wg.Add(1)
		go func() {
			defer wg.Done()
			for range 200 {
				if ok, _ := l.Allow([]byte("one"), 0); ok {
					allowed.Add(1)
				}
			}
		}()
	}
	wg.Wait()
	if allowed.Load() != 500 {
		t.Fatalf("%d allowed, want the burst of 500", allowed.Load())
	}
}

func TestRateLimitedAnswer(t *testing.T) {
	l, err := NewLimiter(1, 2)
	if err != nil {
		t.Fatal(err)
	}
	f := start(t, func(o *Options) {
		o.Limiter = l
		o.Authenticate = func(c *Call) bool {
			c.Caller = append(c.Caller[:0], c.Header("X-Test-Caller")...)
			if len(c.Caller) == 0 {
				c.Fail(Problem{Code: CodeUnauthenticated})
				return false
			}
			return true
		}
	})
	from := func(caller string) answer { return f.ask(f.BusinessAddr(), header("X-Test-Caller: "+caller)) }
	limited := 0
	for range 10 {
		if a := from("a"); a.status == 429 {
			limited++
			if a.code() != "rate_limited" || a.header.Get("Retry-After") != "1" {
				t.Errorf("%s %v", a.body, a.header)
			}
		}
	}
	if limited == 0 || f.effects.Load() != int64(10-limited) {
		t.Errorf("%d limited, %d effects", limited, f.effects.Load())
	}
	if a := from("b"); a.status != 200 {
		t.Errorf("another caller: %d", a.status)
	}
	if a := from(""); a.status != 401 {
		t.Errorf("nobody: %d", a.status)
	}
}

func BenchmarkLimiter(b *testing.B) {
	l, err := NewLimiter(1_000_000, 1_000_000)
	if err != nil {
		b.Fatal(err)
	}
	caller := []byte("P42010612345")
	b.ReportAllocs()
	for b.Loop() {
		l.Allow(caller, nanotime())
	}
}
