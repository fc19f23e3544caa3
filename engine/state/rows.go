package state

import (
	"encoding/binary"
	"fmt"
	"reflect"
	"strings"
	"unsafe"

	"github.com/cespare/xxhash/v2"

	"gongji/engine/ledger"
)

// bytesOf are the bytes of rows as they lie in memory; they share it. Rows have no pointers and no implicit padding (checkLayout).
func bytesOf[T any](rows []T) []byte {
	var row T
	return unsafe.Slice((*byte)(unsafe.Pointer(unsafe.SliceData(rows))), len(rows)*int(unsafe.Sizeof(row)))
}

// checkLayout refuses machines and row types whose bytes are not the format's, and gives the fingerprint of all rows.
func checkLayout() (uint64, error) {
	if binary.NativeEndian.Uint16([]byte{1, 0}) != 1 {
		return 0, fmt.Errorf("%w: this machine is big-endian", ErrLayout)
	}
	var text strings.Builder
	for _, t := range tablesOf(ledger.NewState(ledger.DefaultShifts)) {
		fmt.Fprintf(&text, "table %d\n", t.id)
		if err := describe(&text, t.row, 0); err != nil {
			return 0, fmt.Errorf("table %s: %w", t.name, err)
		}
	}
	return xxhash.Sum64String(text.String()), nil
}

// describe writes the name, place and kind of every field, and refuses a type that has bytes which belong to no field.
func describe(text *strings.Builder, t reflect.Type, offset uintptr) error {
	switch t.Kind() {
	case reflect.Struct:
		end := uintptr(0)
		for f := range t.Fields() {
			if f.Offset != end {
				return fmt.Errorf("%w: %d bytes of padding before %s.%s", ErrLayout, f.Offset-end, t, f.Name)
			}
			fmt.Fprintf(text, "%s@%d ", f.Name, offset+f.Offset)
			if err := describe(text, f.Type, offset+f.Offset); err != nil {
				return err
			}
			end = f.Offset + f.Type.Size()
		}
		if end != t.Size() {
			return fmt.Errorf("%w: %d bytes of padding at the end of %s", ErrLayout, t.Size()-end, t)
		}
	case reflect.Array:
		fmt.Fprintf(text, "%d of ", t.Len())
		return describe(text, t.Elem(), offset)
	case reflect.Int8, reflect.Int16, reflect.Int32, reflect.Int64, reflect.Uint8, reflect.Uint16, reflect.Uint32, reflect.Uint64:
		fmt.Fprintf(text, "%s\n", t.Kind())
	default:
		return fmt.Errorf("%w: %s is not a fixed record", ErrLayout, t)
	}
	return nil
}
