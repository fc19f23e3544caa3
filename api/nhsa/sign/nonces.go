package sign

import (
	"sync"
	"time"
)

// Limits of what is remembered, ours: half of noncesMax is 1,747 requests a second for ten minutes, three times the whole country's mean
// rate (nhsa-interface.md 3). One caller gets a quarter, so that he alone cannot lock the others out.
const (
	noncesMax          = 1 << 21
	noncesPerCallerMax = noncesMax / 4
)

// nonces remembers digests for at least keep, at most twice that, in two generations: the older one is dropped as a whole, so nothing is
// ever searched for what has expired.
type nonces struct {
	mu       sync.Mutex
	keep     time.Duration
	most     int
	mostEach int
	turned   time.Time // when newer began
	newer    generation
	older    generation
}

type generation struct {
	seen map[[16]byte]struct{}
	each map[*Caller]int
}

func newGeneration() generation {
	return generation{map[[16]byte]struct{}{}, map[*Caller]int{}}
}

func newNonces(keep time.Duration) *nonces {
	return &nonces{keep: keep, most: noncesMax / 2, mostEach: noncesPerCallerMax / 2, newer: newGeneration(), older: newGeneration()}
}

// add remembers a verified message's digest; 0 if it is new. A clock put back only makes it remember longer.
func (n *nonces) add(digest [16]byte, who *Caller, now time.Time) Kind {
	n.mu.Lock()
	defer n.mu.Unlock()
	switch age := now.Sub(n.turned); {
	case age >= 2*n.keep:
		n.older, n.newer, n.turned = newGeneration(), newGeneration(), now
	case age >= n.keep:
		n.older, n.newer, n.turned = n.newer, newGeneration(), now
	}
	if _, ok := n.newer.seen[digest]; ok {
		return Replayed
	}
	if _, ok := n.older.seen[digest]; ok {
		return Replayed
	}
	if len(n.newer.seen) >= n.most || n.newer.each[who] >= n.mostEach {
		return Busy
	}
	n.newer.seen[digest] = struct{}{}
	n.newer.each[who]++
	return 0
}
