package state

import (
	"encoding/binary"
	"errors"
	"fmt"

	"github.com/cockroachdb/pebble/v2"

	"gongji/engine/ledger"
)

// EnrolmentRecord is one enrolment of a person's history (R19): what was told, and at which position of the log.
type EnrolmentRecord struct {
	At ledger.Position
	ledger.Enrolment
}

// EnrolmentsMax is how many of the newest enrolments a question gets: a working life of yearly changes.
const EnrolmentsMax = 64

// The key of an enrolment: prefix, person, position, index in its command. So a person's history lies in the order in which it was told, and a
// replay writes the same keys again.
const enrolmentKeyBytes = 1 + 4 + 8 + 1

// PutEnrolment notes one enrolment of a person, index-th of the command at a position. Like PutPerson.
func (s *Store) PutEnrolment(person uint32, at ledger.Position, index int, e *ledger.Enrolment) {
	var buf [enrolmentKeyBytes]byte
	key := appendNumberKey(buf[:0], PrefixEnrolment, person)
	key = append(binary.BigEndian.AppendUint64(key, uint64(at)), byte(index))
	v := binary.AppendUvarint(s.scratch[:0], uint64(e.Insutype))
	v = append(v, e.Status, e.Flexible, uint8(e.Reason))
	v = binary.AppendUvarint(v, uint64(e.Area))
	v = binary.AppendUvarint(v, uint64(e.PsnType))
	v = binary.AppendVarint(v, int64(e.Begin))
	v = binary.AppendVarint(v, int64(e.End))
	v = appendSum(v, key, v)
	s.scratch = v[:0]
	if err := s.records.Set(key, v, nil); err != nil && s.recordErr == nil {
		s.recordErr = err
	}
}

// Enrolments reads a person's history, newest first, at most EnrolmentsMax. Any goroutine.
func (s *Store) Enrolments(person uint32) (list []EnrolmentRecord, err error) {
	it, err := s.db.NewIter(&pebble.IterOptions{LowerBound: appendNumberKey(nil, PrefixEnrolment, person), UpperBound: enrolmentsEnd(person)})
	if err != nil {
		return nil, fmt.Errorf("state: read enrolments: %w", err)
	}
	defer func() { err = errors.Join(err, it.Close()) }()
	for ok := it.Last(); ok && len(list) < EnrolmentsMax; ok = it.Prev() {
		r, err := readEnrolment(it.Key(), it.Value())
		if err != nil {
			return nil, err
		}
		list = append(list, r)
	}
	if err := it.Error(); err != nil {
		return nil, fmt.Errorf("state: read enrolments: %w", err)
	}
	return list, nil
}

// enrolmentsEnd is behind the last key of a person; the last number there can be is far below 2^32 - 1 (ledger.PersonsMax).
func enrolmentsEnd(person uint32) []byte { return appendNumberKey(nil, PrefixEnrolment, person+1) }

func readEnrolment(key, value []byte) (r EnrolmentRecord, err error) {
	body, err := checkSum(key, value)
	if err != nil {
		return r, err
	}
	f := fields{b: body}
	r.Insutype = uint16(f.uvarint(1<<16 - 1))
	r.Status, r.Flexible, r.Reason = f.byte(), f.byte(), ledger.Reason(f.byte())
	r.Area, r.PsnType = uint32(f.uvarint(1<<32-1)), uint32(f.uvarint(1<<32-1))
	r.Begin, r.End = int32(f.varint()), int32(f.varint())
	if f.bad || len(f.b) != 0 || len(key) != enrolmentKeyBytes {
		return r, corrupt(key, "not an enrolment of this format")
	}
	r.At = ledger.Position(binary.BigEndian.Uint64(key[5:]))
	return r, nil
}
