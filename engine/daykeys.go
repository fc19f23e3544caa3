package engine

import (
	"gongji/engine/ledger"
)

// dayKeys hands the executor the unsealed key of a batch's day. Executor's goroutine only.
type dayKeys struct {
	keys *Keys // nil: only published keys can be used (verify without the key file)
	day  int32
	key  [ledger.DayKeyBytes]byte
	have bool
}

// of returns the key of a day, nil if the ledger has none for it.
func (d *dayKeys) of(s *ledger.State, day int32) (*[ledger.DayKeyBytes]byte, error) {
	if d.have && d.day == day {
		return &d.key, nil
	}
	n, found := s.FindDayKey(day)
	if !found {
		return nil, nil
	}
	row := s.DayKeys.At(n)
	key := row.Key
	if row.Published == 0 {
		if d.keys == nil {
			return nil, ErrKeyFile
		}
		var err error
		if key, err = d.keys.openDayKey(row); err != nil {
			return nil, err
		}
	}
	d.day, d.key, d.have = day, key, true
	return &d.key, nil
}

// check opens the newest sealed key: a missing or wrong key file stops the start before anything runs.
func (d *dayKeys) check(s *ledger.State) error {
	for n := s.DayKeys.Len(); n > 0; n-- {
		if row := s.DayKeys.At(n - 1); row.Published == 0 {
			_, err := d.keys.openDayKey(row)
			return err
		}
	}
	return nil
}
