package shard

import "gongji/engine/ledger"

// entry is what a batch wants of one account that the shard owns. Others read opening, demand and the three flags of planning after the
// plan barrier; running and blocked belong to the owner (and to the resolver, when the shards are parked).
type entry struct {
	account ledger.AccountID
	epoch   uint32
	others  bool  // a patient other than the holder may draw on it
	touched bool  // a command of the resolver may move it
	inflow  bool  // a plain credit may come in
	blocked bool  // an earlier command of the holder is contested
	opening int64 // balance before the batch
	demand  int64 // the most the batch can ask of it, saturated
	running int64 // exact balance while nobody else may draw
}

// covered: every debit of the batch passes in full, in any order.
func (e *entry) covered() bool { return e.opening >= e.demand }

// exact: only the holder's own commands move it, so running is its balance at each of them.
func (e *entry) exact() bool { return !e.others && !e.touched }

// empty: it holds nothing during the whole batch.
func (e *entry) empty() bool { return e.opening == 0 && !e.inflow && !e.touched }

// plan is an open-addressing table of entries, emptied by raising the epoch.
type plan struct {
	slots []entry
	shift uint
	used  int
	epoch uint32
}

const planSlotsMin = 1 << 10

func newPlan() plan { return plan{slots: make([]entry, planSlotsMin), shift: 64 - 10, epoch: 1} }

func (p *plan) reset() {
	p.used = 0
	p.epoch++
	if p.epoch == 0 {
		clear(p.slots)
		p.epoch = 1
	}
}

func (p *plan) slot(a ledger.AccountID) uint64 { return uint64(a) * 0x9E3779B97F4A7C15 >> p.shift }

// find returns the entry of an account, nil if the batch does not plan it. Readers of other shards may call it after the plan barrier.
func (p *plan) find(a ledger.AccountID) *entry {
	mask := uint64(len(p.slots) - 1)
	for i := p.slot(a); ; i = (i + 1) & mask {
		e := &p.slots[i]
		if e.epoch != p.epoch {
			return nil
		}
		if e.account == a {
			return e
		}
	}
}

// get returns the entry of an account and makes it if needed. The pointer is good until the next get.
func (p *plan) get(s *ledger.State, a ledger.AccountID) *entry {
	if e := p.find(a); e != nil {
		return e
	}
	return p.open(a, s.Balance(a))
}

// open is get where the balance before the batch is at hand: reading it again from its row is a cache miss.
func (p *plan) open(a ledger.AccountID, opening int64) *entry {
	if 2*p.used >= len(p.slots) {
		p.grow()
	}
	mask := uint64(len(p.slots) - 1)
	for i := p.slot(a); ; i = (i + 1) & mask {
		e := &p.slots[i]
		if e.epoch != p.epoch {
			*e = entry{account: a, epoch: p.epoch, opening: opening, running: opening}
			p.used++
			return e
		}
		if e.account == a {
			return e
		}
	}
}

func (p *plan) grow() {
	old := p.slots
	p.slots = make([]entry, 2*len(old))
	p.shift--
	mask := uint64(len(p.slots) - 1)
	for _, e := range old {
		if e.epoch != p.epoch {
			continue
		}
		i := p.slot(e.account)
		for p.slots[i].epoch == p.epoch {
			i = (i + 1) & mask
		}
		p.slots[i] = e
	}
}

// saturated adds demands; no balance reaches the ceiling (ledger.FundingMax).
func saturated(a, b int64) int64 {
	const ceiling = 1<<63 - 1
	if a > ceiling-b {
		return ceiling
	}
	return a + b
}
