package state

import (
	"encoding/binary"
	"fmt"

	"gongji/engine/ledger"
)

// Mark is the place in the log at which a checkpoint is taken.
type Mark struct {
	Sequence    uint64
	TimeMS      int64    // ledger time of that batch
	WalLink     [32]byte // the log record's link
	EffectChain [32]byte
}

// Info is what the store knows about a kept checkpoint.
type Info struct {
	Mark
	Number    uint64 // of the checkpoint
	StateHash [32]byte
	Totals    ledger.Totals
}

// record is the one value that makes a checkpoint: what it does not name does not exist.
type record struct {
	Info
	manifest        []byte // of the id table
	manifestVersion uint64
	tables          []tableRecord
}

// tableRecord says where the pages of a table are.
type tableRecord struct {
	id       uint8
	rowSize  uint32
	shift    uint8
	count    uint32
	versions []uint64 // by page: the checkpoint that wrote it
}

// Limits of a record.
const (
	shiftMax    = 24
	manifestMax = 1 << 20
)

func (r *record) append(dst []byte) []byte {
	dst = binary.LittleEndian.AppendUint64(dst, r.Number)
	dst = binary.LittleEndian.AppendUint64(dst, r.Sequence)
	dst = binary.LittleEndian.AppendUint64(dst, uint64(r.TimeMS))
	dst = append(dst, r.WalLink[:]...)
	dst = append(dst, r.EffectChain[:]...)
	dst = append(dst, r.StateHash[:]...)
	for _, t := range [...]int64{r.Totals.Personal, r.Totals.Family, r.Totals.Institution, r.Totals.Premium, r.Totals.AreaOwed, r.Totals.AreaClaimed, r.Totals.FundBank, r.Totals.Funding} {
		dst = binary.LittleEndian.AppendUint64(dst, uint64(t))
	}
	dst = binary.LittleEndian.AppendUint64(dst, r.manifestVersion)
	dst = appendText(dst, r.manifest)
	dst = append(dst, uint8(len(r.tables)))
	for i := range r.tables {
		t := &r.tables[i]
		dst = append(dst, t.id, t.shift)
		dst = binary.AppendUvarint(dst, uint64(t.rowSize))
		dst = binary.AppendUvarint(dst, uint64(t.count))
		for _, v := range t.versions {
			dst = binary.AppendUvarint(dst, r.Number-v) // most are 0
		}
	}
	return dst
}

// readRecord decodes a record and checks that it stands together.
func readRecord(key, value []byte) (*record, error) {
	body, err := checkSum(key, value)
	if err != nil {
		return nil, err
	}
	f := fields{b: append([]byte(nil), body...)}
	r := &record{}
	r.Number, r.Sequence, r.TimeMS = f.u64(), f.u64(), int64(f.u64())
	r.WalLink, r.EffectChain, r.StateHash = f.hash(), f.hash(), f.hash()
	for _, t := range [...]*int64{&r.Totals.Personal, &r.Totals.Family, &r.Totals.Institution, &r.Totals.Premium, &r.Totals.AreaOwed, &r.Totals.AreaClaimed, &r.Totals.FundBank, &r.Totals.Funding} {
		*t = int64(f.u64())
	}
	r.manifestVersion, r.manifest = f.u64(), f.text()
	for i := range min(f.byte(), tablesMax) {
		t := readTable(&f, r.Number)
		f.bad = f.bad || t.id != i+1
		r.tables = append(r.tables, t)
	}
	if f.bad || len(f.b) != 0 || len(r.tables) != tablesMax || len(r.manifest) > manifestMax || r.Number == 0 {
		return nil, corrupt(key, "not a checkpoint record of this format")
	}
	if want := recordKey(r.Number); string(want) != string(key) {
		return nil, corrupt(key, "holds checkpoint %d", r.Number)
	}
	return r, nil
}

func readTable(f *fields, number uint64) (t tableRecord) {
	t.id, t.shift = f.byte(), f.byte()
	t.rowSize, t.count = uint32(f.uvarint(1<<16)), uint32(f.uvarint(1<<32-1))
	if t.shift > shiftMax {
		f.take(1 << 63)
		return t
	}
	n := pagesOf(t.count, uint(t.shift))
	if n > len(f.b) { // a page takes at least a byte: damage cannot ask for memory
		f.take(1 << 63)
		return t
	}
	t.versions = make([]uint64, n)
	for i := range t.versions {
		t.versions[i] = number - f.uvarint(number)
	}
	return t
}

// match refuses a record whose tables are not this build's.
func (r *record) match(tables []table) error {
	for i := range tables {
		if t := &r.tables[i]; t.id != tables[i].id || int(t.rowSize) != tables[i].rowSize {
			return fmt.Errorf("%w: checkpoint %d has table %d with rows of %d bytes, this build table %d with %d", ErrFormat,
				r.Number, t.id, t.rowSize, tables[i].id, tables[i].rowSize)
		}
	}
	return nil
}

// written is the bytes of the pages that the checkpoint wrote itself.
func (r *record) written() (n int64) {
	for i := range r.tables {
		t := &r.tables[i]
		for p, v := range t.versions {
			if v == r.Number {
				n += int64(rowsIn(t.count, uint(t.shift), p)) * int64(t.rowSize)
			}
		}
	}
	return n
}
