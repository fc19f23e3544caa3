package idindex

import (
	"cmp"
	"slices"
)

// sortBuckets is the number of buckets a part is scattered into: 12,288 entries of a default part make 6 a bucket, which insertion
// sort finishes fastest (measured against 256 and 8192).
const (
	sortBucketBits = 11
	sortBuckets    = 1 << sortBucketBits
	// insertionMax is where insertion sort gives way to the library's: only keys that are not uniform make such a bucket.
	insertionMax = 48
)

// partSorter sorts one part of a table into its own buffer: the table stays as it is, since others still look into it.
type partSorter struct {
	starts [sortBuckets + 1]uint32
	sorted []record
}

// sort returns the records in key order, valid until the next call. The keys share their top partBits bits.
func (s *partSorter) sort(records []record, partBits uint) []record {
	if cap(s.sorted) < len(records) {
		s.sorted = make([]record, len(records))
	}
	out := s.sorted[:len(records)]
	clear(s.starts[:])
	for i := range records {
		s.starts[bucketOf(records[i].hi, partBits)+1]++
	}
	for i := 1; i < len(s.starts); i++ {
		s.starts[i] += s.starts[i-1]
	}
	for i := range records {
		b := bucketOf(records[i].hi, partBits)
		out[s.starts[b]] = records[i]
		s.starts[b]++ // becomes the end of the bucket, which is the start of the next
	}
	start := uint32(0)
	for b := range sortBuckets {
		end := s.starts[b]
		sortBucket(out[start:end])
		start = end
	}
	return out
}

func bucketOf(hi uint64, partBits uint) uint64 { return hi << partBits >> (64 - sortBucketBits) }

func sortBucket(rs []record) {
	if len(rs) > insertionMax {
		slices.SortFunc(rs, compareRecords)
		return
	}
	for i := 1; i < len(rs); i++ {
		r := rs[i]
		j := i
		for ; j > 0 && r.less(&rs[j-1]); j-- {
			rs[j] = rs[j-1]
		}
		rs[j] = r
	}
}

func compareRecords(a, b record) int {
	if c := cmp.Compare(a.hi, b.hi); c != 0 {
		return c
	}
	return cmp.Compare(a.lo, b.lo)
}
