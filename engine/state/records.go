package state

import (
	"encoding/binary"
	"errors"
	"fmt"

	"github.com/cockroachdb/pebble/v2"
)

// PersonRecord is what the ledger does not look at but lists and answers need.
type PersonRecord struct {
	PsnNo    []byte
	CertType uint32
	Sex      uint8
	Birth    int32 // days since 1970
	Cipher   uint8 // of Blob: 0 plain
	Blob     []byte
}

// InstitutionRecord likewise.
type InstitutionRecord struct {
	Name  []byte
	Level uint8 // hosp_lv
}

// PutPerson notes the record of a person. It keeps nothing of r; FlushRecords puts it into the store and tells what went wrong.
func (s *Store) PutPerson(number uint32, r PersonRecord) {
	v := binary.AppendUvarint(s.scratch[:0], uint64(r.CertType))
	v = append(v, r.Sex, r.Cipher)
	v = binary.AppendVarint(v, int64(r.Birth))
	v = appendText(v, r.PsnNo)
	v = appendText(v, r.Blob)
	s.put(PrefixPerson, number, v)
}

// PutInstitution notes the record of an institution, like PutPerson.
func (s *Store) PutInstitution(number uint32, r InstitutionRecord) {
	s.put(PrefixInstitution, number, appendText(append(s.scratch[:0], r.Level), r.Name))
}

func (s *Store) put(prefix byte, number uint32, value []byte) {
	var buf [5]byte
	key := appendNumberKey(buf[:0], prefix, number)
	value = appendSum(value, key, value)
	s.scratch = value[:0]
	if err := s.records.Set(key, value, nil); err != nil && s.recordErr == nil {
		s.recordErr = err
	}
}

// FlushRecords puts the records noted since the last call into the store, unsynced: they are derived from the log. The executor calls it
// after each batch that noted any.
func (s *Store) FlushRecords() error {
	if s.recordErr != nil {
		return fmt.Errorf("state: note records: %w", s.recordErr)
	}
	if s.records.Empty() {
		return nil
	}
	if err := s.records.Commit(pebble.NoSync); err != nil {
		return fmt.Errorf("state: write records: %w", err)
	}
	s.records.Reset()
	return nil
}

// Person reads a person's record; false if there is none. Any goroutine.
func (s *Store) Person(number uint32) (r PersonRecord, found bool, err error) {
	found, err = s.get(PrefixPerson, number, func(f *fields) {
		r.CertType = uint32(f.uvarint(1<<32 - 1))
		r.Sex, r.Cipher = f.byte(), f.byte()
		r.Birth = int32(f.varint())
		r.PsnNo, r.Blob = f.text(), f.text()
	})
	return r, found, err
}

// Institution reads an institution's record; false if there is none. Any goroutine.
func (s *Store) Institution(number uint32) (r InstitutionRecord, found bool, err error) {
	found, err = s.get(PrefixInstitution, number, func(f *fields) {
		r.Level = f.byte()
		r.Name = f.text()
	})
	return r, found, err
}

func (s *Store) get(prefix byte, number uint32, read func(*fields)) (bool, error) {
	key := appendNumberKey(nil, prefix, number)
	value, closer, err := s.db.Get(key)
	if errors.Is(err, pebble.ErrNotFound) {
		return false, nil
	}
	if err != nil {
		return false, fmt.Errorf("state: read %x: %w", key, err)
	}
	body, err := checkSum(key, value)
	if err == nil {
		f := fields{b: append([]byte(nil), body...)}
		if read(&f); f.bad || len(f.b) != 0 {
			err = corrupt(key, "not a record of this format")
		}
	}
	return err == nil, errors.Join(err, closer.Close())
}

func appendText(dst, text []byte) []byte {
	return append(binary.AppendUvarint(dst, uint64(len(text))), text...)
}

// fields reads values; after a mistake bad is set and everything is 0.
type fields struct {
	b   []byte
	bad bool
}

func (f *fields) take(n uint64) []byte {
	if n > uint64(len(f.b)) {
		f.b, f.bad = nil, true
		return nil
	}
	b := f.b[:n:n]
	f.b = f.b[n:]
	return b
}

func (f *fields) uvarint(most uint64) uint64 {
	x, n := binary.Uvarint(f.b)
	if n <= 0 || x > most {
		f.take(1 << 63)
		return 0
	}
	f.b = f.b[n:]
	return x
}

func (f *fields) varint() int64 {
	x, n := binary.Varint(f.b)
	if n <= 0 {
		f.take(1 << 63)
		return 0
	}
	f.b = f.b[n:]
	return x
}

func (f *fields) byte() uint8 {
	if b := f.take(1); b != nil {
		return b[0]
	}
	return 0
}

func (f *fields) u64() uint64 {
	if b := f.take(8); b != nil {
		return binary.LittleEndian.Uint64(b)
	}
	return 0
}

func (f *fields) hash() (h [32]byte) {
	copy(h[:], f.take(32))
	return h
}

func (f *fields) text() []byte { return f.take(f.uvarint(1 << 40)) }
