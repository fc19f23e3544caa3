package idindex

import (
	"encoding/binary"
	"errors"
	"fmt"

	"github.com/cespare/xxhash/v2"
)

// ErrManifest says that a manifest is not one, is damaged, or is of another format.
var ErrManifest = errors.New("idindex: bad manifest")

// manifestMagic names the format; its last byte is the format version, 0 until the first release.
const manifestMagic = "gjIDidx\x00"

const (
	manifestHeadBytes = len(manifestMagic) + 8 + 8 + 4
	manifestRunBytes  = 8 + 8 + 8 + 4 + 4*8
)

// manifest is the description of a state: which runs make it up.
type manifest struct {
	version uint64 // grows by one a checkpoint
	nextRun uint64 // every run number so far is below
	runs    []runMeta
}

func appendManifest(dst []byte, m *manifest) []byte {
	start := len(dst)
	dst = append(dst, manifestMagic...)
	dst = binary.LittleEndian.AppendUint64(dst, m.version)
	dst = binary.LittleEndian.AppendUint64(dst, m.nextRun)
	dst = binary.LittleEndian.AppendUint32(dst, uint32(len(m.runs)))
	for i := range m.runs {
		r := &m.runs[i]
		for _, field := range [...]uint64{r.number, r.count, r.lines, r.minHi, r.minLo, r.maxHi, r.maxLo} {
			dst = binary.LittleEndian.AppendUint64(dst, field)
		}
		dst = binary.LittleEndian.AppendUint32(dst, r.blockEntries)
	}
	return binary.LittleEndian.AppendUint64(dst, xxhash.Sum64(dst[start:]))
}

// readManifest decodes and checks; everything it accepts is consistent in itself.
func readManifest(src []byte) (*manifest, error) {
	if len(src) < manifestHeadBytes+checksumBytes || string(src[:len(manifestMagic)]) != manifestMagic {
		return nil, fmt.Errorf("%w: %d bytes, not of this format", ErrManifest, len(src))
	}
	body := src[:len(src)-checksumBytes]
	expected := binary.LittleEndian.Uint64(src[len(body):])
	if found := xxhash.Sum64(body); found != expected {
		return nil, fmt.Errorf("%w: checksum %#x, expected %#x", ErrManifest, found, expected)
	}
	body = body[len(manifestMagic):]
	word := func() uint64 {
		v := binary.LittleEndian.Uint64(body)
		body = body[8:]
		return v
	}
	m := &manifest{version: word(), nextRun: word()}
	n := int(binary.LittleEndian.Uint32(body))
	body = body[4:]
	if n > runsMaxMax || len(body) != n*manifestRunBytes {
		return nil, fmt.Errorf("%w: %d runs in %d bytes", ErrManifest, n, len(body))
	}
	total := uint64(0)
	for range n {
		r := runMeta{number: word(), count: word(), lines: word(), minHi: word(), minLo: word(), maxHi: word(), maxLo: word()}
		r.blockEntries = binary.LittleEndian.Uint32(body)
		body = body[4:]
		if err := m.check(&r); err != nil {
			return nil, err
		}
		total += r.count
		m.runs = append(m.runs, r)
	}
	if total > entriesMax {
		return nil, fmt.Errorf("%w: %d entries", ErrManifest, total)
	}
	return m, nil
}

// check refuses a run that the code below could not read. Run numbers ascend.
func (m *manifest) check(r *runMeta) error {
	ordered := r.minHi < r.maxHi || (r.minHi == r.maxHi && r.minLo <= r.maxLo)
	afterLast := len(m.runs) == 0 || m.runs[len(m.runs)-1].number < r.number
	switch {
	case !afterLast || r.number >= m.nextRun:
		return fmt.Errorf("%w: run number %d out of order, next is %d", ErrManifest, r.number, m.nextRun)
	case r.count == 0 || r.count > entriesMax:
		return fmt.Errorf("%w: run %d has %d entries", ErrManifest, r.number, r.count)
	case r.blockEntries == 0 || r.blockEntries > blockEntriesMax:
		return fmt.Errorf("%w: run %d has %d entries a block", ErrManifest, r.number, r.blockEntries)
	case (r.count+uint64(r.blockEntries)-1)/uint64(r.blockEntries) > 1<<32-1:
		return fmt.Errorf("%w: run %d has too many blocks", ErrManifest, r.number)
	case r.lines == 0 || r.lines > r.count:
		return fmt.Errorf("%w: run %d has %d filter lines for %d entries", ErrManifest, r.number, r.lines, r.count)
	case !ordered:
		return fmt.Errorf("%w: run %d ends before it begins", ErrManifest, r.number)
	}
	return nil
}
