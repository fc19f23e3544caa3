package idindex

import (
	"cmp"
	"encoding/binary"
	"slices"
	"sort"
)

// fetchScratch is kept between calls of Fetch.
type fetchScratch struct {
	order []fetchKey
	block []byte
	key   []byte
}

// fetchKey is one key asked for and its place in the caller's slices.
type fetchKey struct {
	hi, lo uint64
	place  int
	found  bool
}

type fetchCounters struct {
	keys, blocks, falsePositives uint64
}

// Fetch answers for keys[i] in found[i] and, if it was inserted, dst[i]; dst and found are as long as keys. It reads blocks from the store
// in key order, run by run, each block once. Owner only, between batches; nothing is kept. The answers are facts, whatever is cached,
// sealed or merged.
func (ix *Index) Fetch(keys []Key, dst []Entry, found []bool) error {
	if err := ix.Err(); err != nil {
		return err
	}
	s := &ix.fetch
	s.order = s.order[:0]
	for i := range keys {
		hi, lo := keys[i].halves()
		found[i] = false
		r := ix.active.find(hi, lo)
		if r == nil && ix.sealing != nil {
			r = ix.sealing.find(hi, lo)
		}
		if r != nil {
			dst[i], found[i] = r.entry(), true
			continue
		}
		s.order = append(s.order, fetchKey{hi: hi, lo: lo, place: i})
	}
	slices.SortFunc(s.order, func(a, b fetchKey) int {
		if c := cmp.Compare(a.hi, b.hi); c != 0 {
			return c
		}
		return cmp.Compare(a.lo, b.lo)
	})
	ix.fetches.keys += uint64(len(keys))
	for i := range ix.view.runs {
		if err := ix.fetchRun(&ix.view.runs[i], dst, found); err != nil {
			return err
		}
	}
	return nil
}

// fetchRun looks for the keys not yet found in one run.
func (ix *Index) fetchRun(r *viewRun, dst []Entry, found []bool) error {
	s := &ix.fetch
	held := int64(-1) // the block in s.block
	for i := range s.order {
		k := &s.order[i]
		if k.found || !r.mayContain(k.hi, k.lo) {
			continue
		}
		first, last := r.candidates(k.hi)
		for b := first; b <= last && !k.found; b++ {
			if held != int64(b) {
				if err := ix.readBlock(r.run, b); err != nil {
					return err
				}
				held = int64(b)
			}
			if raw := searchBlock(s.block, k.hi, k.lo); raw != nil {
				dst[k.place], found[k.place], k.found = readEntry(raw), true, true
			}
		}
		if !k.found {
			ix.fetches.falsePositives++
		}
	}
	return nil
}

// readBlock reads a block into the scratch.
func (ix *Index) readBlock(r *run, block uint32) error {
	s := &ix.fetch
	s.key = appendStoreKey(s.key[:0], ix.o.Prefix, r.number, kindBlock, block)
	var err error
	s.block, err = getChecked(ix.db, s.block[:0], s.key, r.entriesIn(block)*entryBytes)
	ix.fetches.blocks++
	return err
}

// searchBlock returns the stored entry of the key, nil if the block does not hold it.
func searchBlock(block []byte, hi, lo uint64) []byte {
	n := len(block) / entryBytes
	at := sort.Search(n, func(i int) bool {
		h := binary.BigEndian.Uint64(block[i*entryBytes:])
		return h > hi || (h == hi && binary.BigEndian.Uint64(block[i*entryBytes+8:]) >= lo)
	})
	if at == n {
		return nil
	}
	raw := block[at*entryBytes : (at+1)*entryBytes]
	if h, l := readKey(raw); h != hi || l != lo {
		return nil
	}
	return raw
}
