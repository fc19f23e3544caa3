package pebblelog

import (
	"errors"
	"fmt"

	"github.com/cockroachdb/pebble/v2"

	"gongji/wal"
)

// Read visits the committed records from from on; see wal.Log. Staged records
// that are not yet durable are in Pebble's memtable already and are not shown.
func (l *Log) Read(from uint64, visit func(wal.Record) error) error {
	committed := l.committed.Load() // before the iterator, so it has them all
	first := from
	if from == 0 {
		first = l.base.Load().Sequence + 1
	}
	if first > committed {
		return nil
	}
	// The record before is visited for its link only.
	iter, err := l.db.NewIter(&pebble.IterOptions{LowerBound: key(first - 1), UpperBound: key(committed + 1)})
	if err != nil {
		return l.translate(err, first)
	}
	base := *l.base.Load() // after the iterator: a Truncate it sees is in here
	if first <= base.Sequence {
		err := fmt.Errorf("%w: record %d, kept from %d", wal.ErrTruncated, first, base.Sequence+1)
		return errors.Join(err, iter.Close())
	}
	chain := wal.Chain{Identity: &l.identity, At: wal.Position{Sequence: first - 1, Link: base.Link}}
	err = walk(iter, &chain, base.Sequence == first-1, committed, visit)
	return errors.Join(l.locate(err), iter.Close())
}

// walk verifies and visits the records of iter up to sequence last. If the
// link before the first is not known it is taken from the stored record there.
func walk(iter *pebble.Iterator, chain *wal.Chain, linkKnown bool, last uint64, visit func(wal.Record) error) error {
	for valid := iter.First(); valid; valid = iter.Next() {
		sequence, err := sequenceOf(iter.Key())
		if err != nil {
			return err
		}
		value, err := iter.ValueAndErr()
		if err != nil {
			return err
		}
		if sequence <= chain.At.Sequence { // the base, or the record before the first
			if !linkKnown && len(value) >= len(chain.At.Link) {
				copy(chain.At.Link[:], value)
			}
			continue
		}
		record, err := chain.Next(sequence, value)
		if err != nil {
			return err
		}
		if err := visit(record); err != nil {
			return err
		}
	}
	if err := iter.Error(); err != nil {
		return err
	}
	if chain.At.Sequence < last {
		return &wal.CorruptionError{Sequence: chain.At.Sequence + 1, Offset: -1,
			Expected: fmt.Sprintf("records to %d", last), Found: fmt.Sprintf("the log ends at %d", chain.At.Sequence)}
	}
	return nil
}

// Get returns one committed record; see wal.Log.
func (l *Log) Get(sequence uint64, dst []byte) (wal.Record, error) {
	if sequence > l.committed.Load() {
		return wal.Record{}, fmt.Errorf("%w: %d, committed to %d", wal.ErrNotFound, sequence, l.committed.Load())
	}
	value, closer, err := l.db.Get(key(sequence))
	if base := l.base.Load().Sequence; sequence <= base {
		if err == nil {
			err = closer.Close()
		}
		return wal.Record{}, errors.Join(fmt.Errorf("%w: record %d, kept from %d", wal.ErrTruncated, sequence, base+1), notFoundIsFine(err))
	}
	if err != nil {
		return wal.Record{}, l.translate(err, sequence)
	}
	d, err := wal.DecodeRecord(value, &l.identity, sequence)
	if err != nil {
		return wal.Record{}, errors.Join(l.locate(err), closer.Close())
	}
	start := len(dst)
	dst = append(dst, d.Payload...)
	d.Payload = dst[start:]
	return d.Record, closer.Close()
}

func notFoundIsFine(err error) error {
	if errors.Is(err, pebble.ErrNotFound) {
		return nil
	}
	return err
}

func (l *Log) translate(err error, sequence uint64) error {
	return translate(err, l.store, sequence)
}

func (l *Log) locate(err error) error { return locate(err, l.store) }

// locate names the store in a corruption error that has no file yet, and makes
// one of Pebble's own.
func locate(err error, store string) error {
	var corruption *wal.CorruptionError
	if errors.As(err, &corruption) {
		if corruption.File == "" {
			corruption.File = store
		}
		return err
	}
	if err != nil && pebble.IsCorruptionError(err) {
		return translate(err, store, 0)
	}
	return err
}

// translate makes Pebble's "not there" and "corrupt" our CorruptionError: every
// record up to the committed one must be there.
func translate(err error, store string, sequence uint64) error {
	if err == nil || !errors.Is(err, pebble.ErrNotFound) && !pebble.IsCorruptionError(err) {
		return err
	}
	return &wal.CorruptionError{File: store, Sequence: sequence, Offset: -1,
		Expected: fmt.Sprintf("record %d", sequence), Found: err.Error()}
}
