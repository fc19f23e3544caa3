package wal

import "fmt"

// Position is a record's place in the chain.
type Position struct {
	Sequence uint64
	Link     Link
}

// Chain checks that records follow one another: each one's sequence is the
// last plus one and its previous link is the last one's link. It belongs to
// one goroutine.
type Chain struct {
	Identity *Identity
	At       Position // the last record checked; the one before the first at the start
}

// Next verifies the encoded record that stands at sequence and moves on to it.
// The returned payload is a part of src.
func (c *Chain) Next(sequence uint64, src []byte) (Record, error) {
	if sequence != c.At.Sequence+1 {
		return Record{}, corrupt(c.At.Sequence+1, fmt.Sprintf("record %d", c.At.Sequence+1), fmt.Sprintf("record %d", sequence))
	}
	d, err := DecodeRecord(src, c.Identity, sequence)
	if err != nil {
		return Record{}, err
	}
	if d.Previous != c.At.Link {
		return Record{}, corrupt(sequence, "previous link "+c.At.Link.String(), "previous link "+d.Previous.String())
	}
	c.At = Position{Sequence: sequence, Link: d.Link}
	return d.Record, nil
}
