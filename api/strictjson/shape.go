package strictjson

import (
	"fmt"
	"strings"
)

// fieldsMax is the number of fields an object may know: one bit each in a uint64.
const fieldsMax = 64

// Shape is the set of fields an object may have. It is immutable after MustShape and may be shared
// by all goroutines.
type Shape struct {
	names    []string
	keys     []string // ,"name": of each
	required uint64
	slots    [slotCount]uint8 // index+1 of the name, 0 is empty
}

// slotCount is four times fieldsMax, so that nearly every name is found at once, and the range of a
// uint8, so that a slot number wraps around by itself.
const slotCount = 256

// MustShape makes a Shape of field names separated by spaces, in the notation of api.md: a name
// that ends in "?" is optional, all others must be present. It panics on an empty, repeated or
// over-long list: shapes are package variables, so that is a bug seen by every test.
func MustShape(fields string) *Shape {
	s := &Shape{}
	seen := map[string]bool{}
	for i, name := range strings.Fields(fields) {
		name, optional := strings.CutSuffix(name, "?")
		if name == "" || seen[name] || i >= fieldsMax || strings.ContainsAny(name, "\"\\.[]") {
			panic(fmt.Sprintf("strictjson: bad field %d of shape %q", i, fields))
		}
		seen[name] = true
		s.names = append(s.names, name)
		s.keys = append(s.keys, `,"`+name+`":`)
		if !optional {
			s.required |= 1 << i
		}
	}
	if len(s.names) == 0 {
		panic("strictjson: shape without fields")
	}
	s.fillSlots()
	return s
}

// Names returns the field names in the order given to MustShape. The caller must not change it.
func (s *Shape) Names() []string { return s.names }

// fillSlots puts the names into an open hash table. A bad hash makes it slower, never wrong: every
// candidate is compared in full.
func (s *Shape) fillSlots() {
	for i, name := range s.names {
		slot := hashName(name)
		for s.slots[slot] != 0 {
			slot++ // uint8: wraps around at slotCount
		}
		s.slots[slot] = uint8(i + 1)
	}
}

// hashName mixes the length, both ends and three bytes between: our names share prefixes like
// "psn_" and suffixes like "_amt".
func hashName[T string | []byte](name T) uint8 {
	n := len(name)
	h := uint32(name[0]) | uint32(name[n-1])<<8 | uint32(name[n/2])<<16 | uint32(name[n/4])<<24
	h = (h ^ uint32(name[n*3/4])<<4 ^ uint32(n)<<20) * 2654435761 // Knuth's multiplier, 2^32 / golden ratio
	return uint8(h >> 24)
}

// lookup returns the index of a key, or -1.
func (s *Shape) lookup(key []byte) int {
	if len(key) == 0 {
		return -1
	}
	for slot := hashName(key); s.slots[slot] != 0; slot++ {
		if i := int(s.slots[slot]) - 1; s.names[i] == string(key) {
			return i
		}
	}
	return -1
}

// Enum is a set of texts that a field may have. Immutable, shared by all goroutines.
type Enum struct{ values []string }

// MustEnum makes an Enum; at most 32 values, looked through one after the other.
func MustEnum(values ...string) *Enum {
	if len(values) == 0 || len(values) > 32 {
		panic("strictjson: an enum has 1 to 32 values")
	}
	return &Enum{values: values}
}
