package idindex

import "encoding/binary"

// Verdict is what memory knows about a key.
type Verdict uint8

// Verdicts. Their numbers are no part of any format.
const (
	Absent  Verdict = iota // never inserted
	Present                // inserted; the entry is returned
	Maybe                  // only Fetch knows
)

// Find answers from memory alone, without allocation. During a batch: only the owner of the key's part. Present and Absent are facts;
// Maybe means that Fetch must be asked between batches. Whether the answer is Absent or Maybe depends on filters and sealing and must
// not reach an outcome.
func (ix *Index) Find(key Key) (Entry, Verdict) {
	hi, lo := key.halves()
	return ix.find(hi, lo)
}

// Claim inserts an entry unless its key was inserted since the last Advance; then it returns that entry's position and digest. It is for keys that FindOlder
// and Fetch have answered absent since the last Advance, so that nothing older has to be looked at. Same ownership as Find.
func (ix *Index) Claim(key *Key, position, digest uint64) (oldPosition, oldDigest uint64, found bool, err error) {
	hi, lo := key.halves()
	r, err := ix.active.claim(hi, lo, position, digest)
	if r == nil {
		return 0, 0, false, err
	}
	return r.position, r.digest, true, nil
}

func (ix *Index) find(hi, lo uint64) (Entry, Verdict) {
	if r := ix.active.find(hi, lo); r != nil {
		return r.entry(), Present
	}
	return ix.findOlder(hi, lo)
}

// findOlder is find but for the active table.
func (ix *Index) findOlder(hi, lo uint64) (Entry, Verdict) {
	if ix.sealing != nil {
		if r := ix.sealing.find(hi, lo); r != nil {
			return r.entry(), Present
		}
	}
	if ix.view.mayContain(hi, lo) {
		return Entry{}, Maybe
	}
	return Entry{}, Absent
}

// findAhead is how many keys are brought into the cache together: with ten filters their lines fill half of an L1 cache of 48 KiB.
const findAhead = 32

// FindOlder is Find for many keys but for those in the active table, which Claim, Find and Fetch look into anyway. It is several times cheaper a key
// than Find: it touches the memory of findAhead keys together, so that the cache misses overlap, before it decides them. dst and verdicts are as long
// as keys; dst[i] is set where verdicts[i] is Present. Absent means: not there but perhaps in the active table.
func (ix *Index) FindOlder(keys []Key, dst []Entry, verdicts []Verdict) {
	var his, los [findAhead]uint64
	for len(keys) > 0 {
		n := min(findAhead, len(keys))
		for i := range n {
			his[i], los[i] = keys[i].halves()
		}
		ix.touch(his[:n])
		for i := range n {
			var e Entry
			if e, verdicts[i] = ix.findOlder(his[i], los[i]); verdicts[i] == Present {
				dst[i] = e
			}
		}
		keys, dst, verdicts = keys[n:], dst[n:], verdicts[n:]
	}
}

// Ahead brings into the cache what Claim and Insert of a key will look at and write to. Called for some dozens of keys before their Claims, their
// cache misses overlap. Same ownership as Find. It is not inlined, lest the compiler see that nobody wants the result.
//
//go:noinline
func (ix *Index) Ahead(key *Key) uint64 {
	return ix.active.ahead(binary.BigEndian.Uint64(key[:8]))
}

// touch loads what findOlder will look at. No load depends on another and there is no branch on a loaded value, so the processor has as many
// misses under way as it can. It is not inlined, lest the compiler see that nobody wants the sum.
//
//go:noinline
func (ix *Index) touch(his []uint64) (sum uint64) {
	if t := ix.sealing; t != nil {
		for _, hi := range his {
			groups := t.parts[hi>>t.partShift].groups
			sum += groups[t.groupOf(hi)&uint64(len(groups)-1)].tags
		}
	}
	for _, f := range ix.view.filters {
		for _, hi := range his {
			sum += f[lineOf(hi, uint64(len(f)))][0]
		}
	}
	return sum
}
