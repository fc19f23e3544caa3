package api

import (
	"fmt"
	"hash/maphash"
	"sync/atomic"
	"time"

	"github.com/puzpuzpuz/xsync/v3"
)

// limiterKeysMax bounds the callers a Limiter remembers: more than all institutions of the largest
// province (some 60,000 designated pharmacies and clinics); 64 bytes each.
const limiterKeysMax = 128 << 10

// limiterSweepEvery bounds how often a full table is searched for forgettable callers.
const limiterSweepEvery = int64(time.Second)

// Limiter bounds the rate of each caller by GCRA, the generic cell rate algorithm: per caller one
// number, the theoretical arrival time of the next request, moved by compare-and-swap. Safe for all
// goroutines; it allocates only for a caller it has not seen.
type Limiter struct {
	interval  int64 // ns between requests at the rate
	tolerance int64 // ns a caller may be ahead of its rate: (burst-1) intervals
	keysMax   int

	seed      maphash.Seed
	keys      *xsync.MapOf[uint64, *atomic.Int64]
	count     atomic.Int64
	lastSweep atomic.Int64
	overflow  atomic.Int64 // shared by callers for whom there is no room
}

// NewLimiter allows perSecond requests a second and caller, and burst at once.
func NewLimiter(perSecond, burst int) (*Limiter, error) {
	return newLimiter(perSecond, burst, limiterKeysMax)
}

func newLimiter(perSecond, burst, keysMax int) (*Limiter, error) {
	if perSecond < 1 || perSecond > 1_000_000 || burst < 1 || burst > 1_000_000 {
		return nil, fmt.Errorf("api: rate of %d a second with a burst of %d is not between 1 and a million", perSecond, burst)
	}
	l := &Limiter{interval: int64(time.Second) / int64(perSecond), keysMax: keysMax, seed: maphash.MakeSeed()}
	l.tolerance = l.interval * int64(burst-1)
	l.lastSweep.Store(-limiterSweepEvery)
	// Keys are already keyed hashes, so mixing in the map's own seed is enough.
	l.keys = xsync.NewMapOfWithHasher[uint64, *atomic.Int64](func(key, seed uint64) uint64 {
		return (key ^ seed) * 0x9e3779b97f4a7c15
	})
	return l, nil
}

// Allow counts one request of caller at time now (ns of a clock that never goes back). If it is over
// the rate it is not counted, and after is how long until one would be allowed. The caller's name is
// kept as a keyed 64-bit hash only; two callers with one hash (1 in 10^9 for 128 Ki callers) would
// share a rate.
func (l *Limiter) Allow(caller []byte, now int64) (ok bool, after time.Duration) {
	key := maphash.Bytes(l.seed, caller)
	tat, found := l.keys.Load(key)
	if !found {
		tat = l.add(key, now)
	}
	for {
		old := tat.Load()
		next := max(old, now)
		if ahead := next - now; ahead > l.tolerance {
			return false, time.Duration(ahead - l.tolerance)
		}
		if tat.CompareAndSwap(old, next+l.interval) {
			return true, 0
		}
	}
}

func (l *Limiter) add(key uint64, now int64) *atomic.Int64 {
	if l.count.Load() >= int64(l.keysMax) {
		l.sweep(now)
		if l.count.Load() >= int64(l.keysMax) {
			return &l.overflow
		}
	}
	tat, loaded := l.keys.LoadOrStore(key, new(atomic.Int64))
	if !loaded {
		l.count.Add(1)
	}
	return tat
}

// sweep forgets callers whose time has passed: to be forgotten and to be fresh is the same for them.
// One who asks in this very moment may get one burst twice, no more. At most one sweep a second; in
// between new callers share the overflow's rate, so a flood of names gains nothing.
func (l *Limiter) sweep(now int64) {
	last := l.lastSweep.Load()
	if now-last < limiterSweepEvery || !l.lastSweep.CompareAndSwap(last, now) {
		return
	}
	l.keys.Range(func(key uint64, tat *atomic.Int64) bool {
		if tat.Load() <= now {
			if _, was := l.keys.LoadAndDelete(key); was {
				l.count.Add(-1)
			}
		}
		return true
	})
}
