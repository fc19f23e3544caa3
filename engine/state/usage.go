package state

import (
	"fmt"
)

// Usage is what the store takes on the disk, in bytes. Parts of a file that holds several are estimated.
type Usage struct {
	Journal, IDs, Tables, Records int64
	Files                         int64 // all tables of the store, also what is deleted and not compacted yet
	Flushed, Compacted            int64 // written to the disk since the store was opened
	Idle                          bool  // no flush or compaction is under way
}

// Usage of the store now. Any goroutine.
func (s *Store) Usage() (u Usage, err error) {
	for _, part := range []struct {
		prefix byte
		into   *int64
	}{{PrefixJournal, &u.Journal}, {PrefixIDs, &u.IDs}, {PrefixTables, &u.Tables}, {PrefixMeta, &u.Records},
		{PrefixPerson, &u.Records}, {PrefixInstitution, &u.Records}, {PrefixEnrolment, &u.Records}, {PrefixInstitutionDay, &u.Records}} {
		n, err := s.db.EstimateDiskUsage([]byte{part.prefix}, []byte{part.prefix + 1})
		if err != nil {
			return u, fmt.Errorf("state: size of %c: %w", part.prefix, err)
		}
		*part.into += int64(n)
	}
	m := s.db.Metrics()
	for i := range m.Levels {
		u.Files += m.Levels[i].TablesSize
		u.Flushed += int64(m.Levels[i].TableBytesFlushed)
		u.Compacted += int64(m.Levels[i].TableBytesCompacted)
	}
	u.Idle = m.Compact.NumInProgress == 0 && m.Flush.NumInProgress == 0
	return u, nil
}
