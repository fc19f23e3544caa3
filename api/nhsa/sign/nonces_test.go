package sign

import (
	"testing"
	"time"
)

// The same signed headers pass once, as long as their time is inside the window.
func TestReplay(t *testing.T) {
	f := fixtures(t)[SchemeXTIF]
	at := noon.Truncate(time.Second)
	h, wire := f.sent(t, at)
	for i, x := range []struct {
		off  time.Duration
		want error
	}{
		{-WindowDefaultXTIF, nil}, // at the earliest moment it can come
		{-WindowDefaultXTIF, Refusal{Replayed, xtifNonce}},
		{0, Refusal{Replayed, xtifNonce}},
		{WindowDefaultXTIF, Refusal{Replayed, xtifNonce}}, // and at the latest
		{WindowDefaultXTIF + time.Second, Refusal{Expired, xtifTimestamp}},
	} {
		if _, _, err := f.scheme.Open(h, wire, at.Add(x.off)); err != x.want {
			t.Errorf("%d: at %s: %v, want %v", i, x.off, err, x.want)
		}
	}
	other, _ := f.sent(t, at)
	if other[xtifNonce] == h[xtifNonce] {
		t.Error("two nonces are the same")
	}
	if _, _, err := f.scheme.Open(other, wire, at); err != nil {
		t.Errorf("the next message: %v", err)
	}
	forged := carried{}
	for k, v := range other {
		forged[k] = v
	}
	forged[xtifSignature] = "00" + other[xtifSignature][2:]
	fresh, _ := f.sent(t, at)
	forged[xtifNonce] = fresh[xtifNonce]
	if _, _, err := f.scheme.Open(forged, wire, at); err != (Refusal{Differs, xtifSignature}) {
		t.Errorf("forged: %v", err)
	}
	if _, _, err := f.scheme.Open(fresh, wire, at); err != nil { // what was refused is not remembered
		t.Errorf("after a forged one with its nonce: %v", err)
	}
}

func TestNoncesBounded(t *testing.T) {
	n := newNonces(time.Minute)
	n.most, n.mostEach = 8, 3
	digest := func(i int) (d [16]byte) { d[0], d[1] = byte(i), byte(i>>8); return d }
	callers := []*Caller{{}, {}, {}, {}}
	now := noon
	taken := [4]int{}
	for i := range 40 {
		switch kind := n.add(digest(i), callers[i%4], now); kind {
		case 0:
			taken[i%4]++
		case Busy:
		default:
			t.Fatalf("%d: %v", i, kind)
		}
	}
	if taken != [4]int{2, 2, 2, 2} || len(n.newer.seen) != 8 {
		t.Fatalf("taken %v, %d remembered", taken, len(n.newer.seen))
	}
	if kind := n.add(digest(0), callers[0], now.Add(59*time.Second)); kind != Replayed {
		t.Errorf("in the same generation: %v", kind)
	}
	if kind := n.add(digest(0), callers[0], now.Add(61*time.Second)); kind != Replayed {
		t.Errorf("in the next one: %v", kind)
	}
	for i := range 5 {
		if kind, want := n.add(digest(100+i), callers[0], now.Add(62*time.Second)), i >= 3; (kind == Busy) != want {
			t.Errorf("%d of one caller: %v", i, kind)
		}
	}
	if kind := n.add(digest(100), callers[0], now); kind != Replayed { // a clock put back forgets nothing
		t.Errorf("after the clock was put back: %v", kind)
	}
	if kind := n.add(digest(0), callers[0], now.Add(122*time.Second)); kind != 0 || len(n.newer.seen)+len(n.older.seen) > 16 {
		t.Errorf("long after: %v, %d and %d remembered", kind, len(n.newer.seen), len(n.older.seen))
	}
	if kind := n.add(digest(100), callers[0], now.Add(time.Hour)); kind != 0 || len(n.older.seen) != 0 {
		t.Errorf("an hour later: %v, %d remembered", kind, len(n.older.seen))
	}
}
