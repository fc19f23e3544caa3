package state

import (
	"encoding/binary"
	"errors"
	"fmt"

	"github.com/cockroachdb/pebble/v2"

	"gongji/engine/ledger"
)

// The key of an institution's day: prefix, institution, day with its sign bit turned, so that days lie in order. There is one for each day on which the
// institution has an entry; a replay writes the same keys again.
const institutionDayKeyBytes = 1 + 4 + 4

func appendInstitutionDay(dst []byte, institution uint32, day int32) []byte {
	return binary.BigEndian.AppendUint32(appendNumberKey(dst, PrefixInstitutionDay, institution), uint32(day)^1<<31)
}

// PutInstitutionDay notes the institution's last entry before its first one of a ledger day (0: it has none before). Like PutPerson.
func (s *Store) PutInstitutionDay(institution uint32, day int32, before ledger.Position) {
	var buf [institutionDayKeyBytes]byte
	key := appendInstitutionDay(buf[:0], institution, day)
	v := binary.AppendUvarint(s.scratch[:0], uint64(before))
	v = appendSum(v, key, v)
	s.scratch = v[:0]
	if err := s.records.Set(key, v, nil); err != nil && s.recordErr == nil {
		s.recordErr = err
	}
}

// InstitutionDayAfter finds the institution's first day with an entry after the given one, and gives its last entry before that day, which is its last up
// to the given day; false if there is no such day: then that is the institution's newest entry. Any goroutine.
func (s *Store) InstitutionDayAfter(institution uint32, day int32) (before ledger.Position, found bool, err error) {
	if day == 1<<31-1 {
		return 0, false, nil
	}
	it, err := s.db.NewIter(&pebble.IterOptions{LowerBound: appendInstitutionDay(nil, institution, day+1), UpperBound: appendNumberKey(nil, PrefixInstitutionDay, institution+1)})
	if err != nil {
		return 0, false, fmt.Errorf("state: read days of institution %d: %w", institution, err)
	}
	defer func() { err = errors.Join(err, it.Close()) }()
	if !it.First() {
		return 0, false, it.Error()
	}
	body, err := checkSum(it.Key(), it.Value())
	if err != nil {
		return 0, false, err
	}
	f := fields{b: body}
	before = ledger.Position(f.uvarint(1<<64 - 1))
	if f.bad || len(f.b) != 0 || len(it.Key()) != institutionDayKeyBytes {
		return 0, false, corrupt(it.Key(), "not a day of an institution of this format")
	}
	return before, true, nil
}
