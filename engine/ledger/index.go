package ledger

// index finds row numbers by a 64-bit hash: open addressing, linear probing, no pointers. A slot holds a 5-bit tag of the hash and
// the number + 1 in 27 bits, so that nearly every other row is ruled out without being read. Rebuilt from the rows at start.
type index struct {
	slots  []uint32
	used   uint32
	advise func([]uint32) // told of new slots before they are touched; nil: nobody
}

const (
	indexNumberBits = 27
	indexNumberMask = 1<<indexNumberBits - 1
	indexSlotsMin   = 16
)

func tagOf(hash uint64) uint32 { return uint32(hash>>59) << indexNumberBits }

// find calls same for rows whose tag agrees, until it says yes.
func (x *index) find(hash uint64, same func(number uint32) bool) (uint32, bool) {
	if len(x.slots) == 0 {
		return 0, false
	}
	mask := uint64(len(x.slots) - 1)
	tag := tagOf(hash)
	for i := hash & mask; ; i = (i + 1) & mask {
		v := x.slots[i]
		if v == 0 {
			return 0, false
		}
		if v&^indexNumberMask == tag {
			if n := v&indexNumberMask - 1; same(n) {
				return n, true
			}
		}
	}
}

// insert adds a number that is not there; hashOf gives the hash of a row for growing. Load stays at or below 3/4.
func (x *index) insert(hash uint64, number uint32, hashOf func(uint32) uint64) {
	if 4*(x.used+1) > 3*uint32(len(x.slots)) {
		x.grow(hashOf)
	}
	x.place(hash, number)
	x.used++
}

func (x *index) place(hash uint64, number uint32) {
	mask := uint64(len(x.slots) - 1)
	i := hash & mask
	for x.slots[i] != 0 {
		i = (i + 1) & mask
	}
	x.slots[i] = tagOf(hash) | (number + 1)
}

// take makes n new slots.
func (x *index) take(n int) {
	x.slots = make([]uint32, n)
	if x.advise != nil {
		x.advise(x.slots)
	}
}

func (x *index) grow(hashOf func(uint32) uint64) {
	old := x.slots
	x.take(max(indexSlotsMin, 2*len(old)))
	for _, v := range old {
		if v != 0 {
			n := v&indexNumberMask - 1
			x.place(hashOf(n), n)
		}
	}
}

// replace lets another number of the same hash take the slot of one that is there.
func (x *index) replace(hash uint64, old, number uint32) {
	x.slots[x.slotOf(hash, old)] = tagOf(hash) | (number + 1)
}

// slotOf is where a number lies that is there.
func (x *index) slotOf(hash uint64, number uint32) uint64 {
	mask := uint64(len(x.slots) - 1)
	i := hash & mask
	for want := tagOf(hash) | (number + 1); x.slots[i] != want; i = (i + 1) & mask {
		if x.slots[i] == 0 {
			panic("BUG: a row that is not in its index")
		}
	}
	return i
}

// remove takes a number out that is there; the rows of all numbers that stay must be as they were. What lies behind it in its run moves up, so
// that no gap cuts a run.
func (x *index) remove(hash uint64, number uint32, hashOf func(uint32) uint64) {
	mask := uint64(len(x.slots) - 1)
	gap := x.slotOf(hash, number)
	for i := (gap + 1) & mask; x.slots[i] != 0; i = (i + 1) & mask {
		home := hashOf(x.slots[i]&indexNumberMask-1) & mask
		if (i-home)&mask >= (i-gap)&mask {
			x.slots[gap], gap = x.slots[i], i
		}
	}
	x.slots[gap] = 0
	x.used--
}
