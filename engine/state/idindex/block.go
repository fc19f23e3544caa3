package idindex

import (
	"encoding/binary"
	"fmt"

	"github.com/cespare/xxhash/v2"
	"github.com/cockroachdb/pebble/v2"
)

// A key in the store: prefix, run number (big-endian), kind, index (big-endian). All of a run is one key range.
const storeKeyBytes = 1 + 8 + 1 + 4

// Kinds of values of a run.
const (
	kindBlock  = 'b' // BlockEntries entries in key order
	kindFilter = 'f' // chunkFilterLines lines of the filter
	kindFence  = 'x' // chunkFences fences: the high key half of each block's first entry
)

// Chunk sizes: 32 KiB values, large enough that the store's price of a key does not count, small enough to read one at a time.
const (
	chunkFilterLines = 512
	chunkFences      = 4096
)

// checksumBytes ends every value: xxhash64 of the payload mixed with that of the key, so a value under a wrong key does not check.
const checksumBytes = 8

// CorruptionError says that a stored value is not what was written. Key is the store's key (no message id, no key of an id).
type CorruptionError struct {
	Key             []byte
	Reason          string
	Expected, Found uint64 // checksums, or lengths, or counts, as Reason says
}

func (e *CorruptionError) Error() string {
	return fmt.Sprintf("idindex: corrupt value at %x: %s: expected %#x, found %#x", e.Key, e.Reason, e.Expected, e.Found)
}

func appendStoreKey(dst []byte, prefix byte, run uint64, kind byte, index uint32) []byte {
	dst = append(dst, prefix)
	dst = binary.BigEndian.AppendUint64(dst, run)
	dst = append(dst, kind)
	return binary.BigEndian.AppendUint32(dst, index)
}

// appendRunStart appends the lower bound of a run's keys; the lower bound of run+1 is the upper bound of run.
func appendRunStart(dst []byte, prefix byte, run uint64) []byte {
	dst = append(dst, prefix)
	return binary.BigEndian.AppendUint64(dst, run)
}

func checksum(key, payload []byte) uint64 {
	return xxhash.Sum64(payload) ^ xxhash.Sum64(key)
}

// sealValue appends the checksum to a payload.
func sealValue(key, payload []byte) []byte {
	return binary.LittleEndian.AppendUint64(payload, checksum(key, payload))
}

// checkValue returns the payload of a value after checking length and checksum. payloadBytes is the length it must have.
func checkValue(key, value []byte, payloadBytes int) ([]byte, error) {
	if len(value) != payloadBytes+checksumBytes {
		return nil, corruption(key, "length of the value", uint64(payloadBytes+checksumBytes), uint64(len(value)))
	}
	payload := value[:payloadBytes]
	expected := binary.LittleEndian.Uint64(value[payloadBytes:])
	if found := checksum(key, payload); found != expected {
		return nil, corruption(key, "checksum", expected, found)
	}
	return payload, nil
}

func corruption(key []byte, reason string, expected, found uint64) error {
	return &CorruptionError{Key: append([]byte(nil), key...), Reason: reason, Expected: expected, Found: found}
}

// getChecked reads one value and appends its payload to dst.
func getChecked(db *pebble.DB, dst, key []byte, payloadBytes int) ([]byte, error) {
	value, closer, err := db.Get(key)
	if err == pebble.ErrNotFound {
		return dst, corruption(key, "value missing, length", uint64(payloadBytes), 0)
	}
	if err != nil {
		return dst, fmt.Errorf("idindex: read %x: %w", key, err)
	}
	payload, err := checkValue(key, value, payloadBytes)
	if err == nil {
		dst = append(dst, payload...)
	}
	if closeErr := closer.Close(); err == nil && closeErr != nil {
		err = fmt.Errorf("idindex: read %x: %w", key, closeErr)
	}
	return dst, err
}
