package load

import (
	"encoding/binary"

	"gongji/engine/ledger"
)

// Keys of persons, certificates and messages are uniform, as K's are, but cheap to make: hashing belongs to the front door, not to what is measured.
func personKey(i int) ledger.Key { return mixed(uint64(i)*2 + 1) }

func pseudonym(i int) ledger.Key { return mixed(uint64(i)*2 + 2) }

// messageKey is the id of message n of a stream. The first half is a bijection of n for each stream, so no two messages of a stream have one key.
func messageKey(stream, n uint64) (k ledger.Key) {
	binary.LittleEndian.PutUint64(k[:8], splitmix(stream+n*0xD1342543DE82EF95))
	binary.LittleEndian.PutUint64(k[8:], splitmix(stream^n))
	return k
}

func mixed(x uint64) (k ledger.Key) {
	binary.LittleEndian.PutUint64(k[:8], splitmix(x))
	binary.LittleEndian.PutUint64(k[8:], splitmix(^x))
	return k
}

func splitmix(x uint64) uint64 {
	x *= 0x9E3779B97F4A7C15
	x = (x ^ x>>30) * 0xBF58476D1CE4E5B9
	x = (x ^ x>>27) * 0x94D049BB133111EB
	return x ^ x>>31
}

// codeBytes is the length of every institution's code here: it is patched into templates.
const codeBytes = 12

func code(i int) ledger.Code {
	text := [codeBytes]byte{'P'}
	for at := len(text) - 1; at > 0; at-- {
		text[at] = '0' + byte(i%10)
		i /= 10
	}
	return ledger.NewCode(text[:])
}
