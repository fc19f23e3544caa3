package state

import "encoding/binary"

// First bytes of the keys of the store, all of them.
const (
	PrefixMeta           = 'M' // identity and checkpoint records
	PrefixTables         = 'T' // pages of tables
	PrefixJournal        = 'J' // engine/journal
	PrefixIDs            = 'I' // engine/state/idindex
	PrefixPerson         = 'P' // person records
	PrefixInstitution    = 'N' // institution records
	PrefixEnrolment      = 'E' // history of enrolments
	PrefixInstitutionDay = 'D' // where the days of an institution begin in its chain
)

// Kinds of keys under PrefixMeta.
const (
	metaIdentity   = 'i'
	metaCheckpoint = 'c' // then the checkpoint's number
)

func identityKey() []byte { return []byte{PrefixMeta, metaIdentity} }

func recordKey(number uint64) []byte {
	return binary.BigEndian.AppendUint64([]byte{PrefixMeta, metaCheckpoint}, number)
}

// pageKeyBytes: prefix, number of the checkpoint that wrote the page, table, page. The checkpoint comes first, so that each one writes one
// key range behind all others: its files never overlap older ones and need no rewriting, and one that is superseded as a whole is dropped
// as a whole.
const pageKeyBytes = 1 + 8 + 1 + 4

func appendPageKey(dst []byte, version uint64, table uint8, page uint32) []byte {
	dst = appendVersionKey(dst, version)
	dst = append(dst, table)
	return binary.BigEndian.AppendUint32(dst, page)
}

// appendVersionKey is the lower bound of the pages of one checkpoint.
func appendVersionKey(dst []byte, version uint64) []byte {
	return binary.BigEndian.AppendUint64(append(dst, PrefixTables), version)
}

func splitPageKey(key []byte) pageAt {
	return pageAt{version: binary.BigEndian.Uint64(key[1:]), table: key[9], page: binary.BigEndian.Uint32(key[10:])}
}

func appendNumberKey(dst []byte, prefix byte, number uint32) []byte {
	return binary.BigEndian.AppendUint32(append(dst, prefix), number)
}
