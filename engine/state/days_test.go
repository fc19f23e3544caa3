package state

import (
	"errors"
	"testing"

	"github.com/cockroachdb/pebble/v2"
	"github.com/cockroachdb/pebble/v2/vfs"

	"gongji/engine/ledger"
)

// TestInstitutionDays: the first day after a given one is found, of the institution asked and no other, and damage is not taken for an answer.
func TestInstitutionDays(t *testing.T) {
	s, err := Open("state", testOptions(vfs.NewMem()))
	if err != nil {
		t.Fatal(err)
	}
	defer func() {
		if err := s.Close(); err != nil {
			t.Error(err)
		}
	}()
	const low, high = -1 << 31, 1<<31 - 1
	for _, x := range []struct {
		institution uint32
		day         int32
		before      ledger.Position
	}{{7, -3, 0}, {7, 20_000, ledger.At(5, 1)}, {7, 20_003, ledger.At(9, 0)}, {8, low, 1}, {8, high, ledger.At(3, 2)}, {6, 20_001, 4}} {
		s.PutInstitutionDay(x.institution, x.day, 99) // a replay writes it again
		s.PutInstitutionDay(x.institution, x.day, x.before)
	}
	if err := s.FlushRecords(); err != nil {
		t.Fatal(err)
	}
	for _, x := range []struct {
		institution uint32
		after       int32
		before      ledger.Position
		found       bool
	}{{7, low, 0, true}, {7, -4, 0, true}, {7, -3, ledger.At(5, 1), true}, {7, 19_999, ledger.At(5, 1), true}, {7, 20_000, ledger.At(9, 0), true},
		{7, 20_003, 0, false}, {7, high, 0, false}, {8, low, ledger.At(3, 2), true}, {8, high - 1, ledger.At(3, 2), true}, {8, high, 0, false}, {5, low, 0, false},
		{9, low, 0, false}, {6, 20_000, 4, true}} {
		if before, found, err := s.InstitutionDayAfter(x.institution, x.after); err != nil || found != x.found || before != x.before {
			t.Errorf("institution %d after %d: %x %t %v, want %x %t", x.institution, x.after, before, found, err, x.before, x.found)
		}
	}
	if err := s.DB().Set(appendInstitutionDay(nil, 6, 20_001), []byte("123456789"), pebble.NoSync); err != nil {
		t.Fatal(err)
	}
	var damage *CorruptionError
	if _, _, err := s.InstitutionDayAfter(6, 0); !errors.As(err, &damage) {
		t.Errorf("damage: %v", err)
	}
}
