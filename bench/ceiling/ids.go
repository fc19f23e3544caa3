package ceiling

import (
	"encoding/binary"
	"math/bits"

	"gongji/engine/ledger"
	"gongji/shard"
)

// idParts are owned by one shard each during a phase: the top bits of a key, as in the engine's table.
const idParts = 8

// idTable is a fixed open-addressing table a part: about what the engine's id table costs while nothing is sealed.
type idTable struct {
	parts [idParts][]ledger.IDEntry
	mask  uint64
	sum   [shard.ShardsMax]byte // of Ahead
}

// newIDTable has room for n ids at a quarter full.
func newIDTable(n int) *idTable {
	each := 1 << bits.Len(uint(4*n/idParts-1))
	t := &idTable{mask: uint64(each - 1)}
	for i := range t.parts {
		t.parts[i] = make([]ledger.IDEntry, each)
	}
	return t
}

func (t *idTable) clear() {
	for i := range t.parts {
		clear(t.parts[i])
	}
}

func (t *idTable) Part(k ledger.Key) int { return int(k[0]) * idParts >> 8 }

func (t *idTable) slot(k *ledger.Key) *ledger.IDEntry {
	p := t.parts[t.Part(*k)]
	for i := binary.LittleEndian.Uint64(k[8:]) & t.mask; ; i = (i + 1) & t.mask {
		if p[i].Key == *k || p[i].Key.IsZero() {
			return &p[i]
		}
	}
}

func (t *idTable) Find(k ledger.Key) (ledger.IDEntry, bool) {
	e := t.slot(&k)
	return *e, !e.Key.IsZero()
}

func (t *idTable) Insert(e ledger.IDEntry) { *t.slot(&e.Key) = e }

// Ahead loads the slots that Claim will touch. The sum only keeps the compiler from dropping the loads.
func (t *idTable) Ahead(commands []ledger.Command, number, shards int) {
	var sum byte
	for i := range commands {
		k := &commands[i].ID
		if part := t.Part(*k); part&(shards-1) == number {
			sum += t.parts[part][binary.LittleEndian.Uint64(k[8:])&t.mask].Key[0]
		}
	}
	t.sum[number] = sum
}

func (t *idTable) Claim(cmd *ledger.Command, p ledger.Position, existing *ledger.IDEntry) (found bool) {
	e := t.slot(&cmd.ID)
	if !e.Key.IsZero() {
		*existing = *e
		return true
	}
	*e = ledger.IDEntry{Key: cmd.ID, Position: p, Digest: cmd.Digest, Tag: ledger.TagCommand}
	return false
}
