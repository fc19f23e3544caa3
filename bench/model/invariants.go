package model

import (
	"fmt"
	"sort"
)

// CheckBalances is the cheap half of CheckInvariants: the sum over all accounts is 0 and no personal or family account
// is negative (P1, P2).
func (m *Model) CheckBalances() error {
	sum := int64(0)
	for account, balance := range m.balances {
		kind := account >> 56
		if (kind == AccountPersonal || kind == AccountFamily) && balance < 0 {
			return fmt.Errorf("account %#x is below 0: %d fen", account, balance)
		}
		sum += balance // exact even if an intermediate sum wraps
	}
	if sum != 0 {
		return fmt.Errorf("the sum over all accounts is %d fen, not 0", sum)
	}
	if brought := m.funding(); brought < 0 || brought > FundingMax {
		return fmt.Errorf("net funding of %d fen is outside 0..%d", brought, int64(FundingMax))
	}
	return nil
}

// CheckInvariants recomputes what must hold of the whole history, in time proportional to it: P1, P2, P4, P7, P9, P13 as
// far as they concern the ledger. It describes the first violation.
func (m *Model) CheckInvariants() error {
	for _, check := range []func() error{
		m.CheckBalances, m.checkChains, m.checkPayables, m.checkSettlements, m.checkReversals, m.checkBindings,
		m.checkFamilies, m.checkIDs, m.checkPremiums, m.checkDues, m.checkVisits,
	} {
		if err := check(); err != nil {
			return err
		}
	}
	return nil
}

func (m *Model) checkChains() error {
	for account, chain := range m.chains {
		balance, last := int64(0), uint64(0)
		for _, p := range chain {
			balance += p.Amount
			if p.Account != account || p.Amount == 0 && !m.paidByOthers(account, p.Position) || p.After != balance || balance < 0 ||
				p.Prev != last || p.Position < last {
				return fmt.Errorf("account %#x: broken chain at position %d: %+v, balance %d, last %d",
					account, p.Position, p, balance, last)
			}
			last = p.Position
		}
		if balance != m.balances[account] {
			return fmt.Errorf("account %#x: chain ends at %d, balance is %d", account, balance, m.balances[account])
		}
	}
	for account, balance := range m.balances {
		kind := account >> 56
		if (kind == AccountPersonal || kind == AccountFamily) && balance != 0 && len(m.chains[account]) == 0 {
			return fmt.Errorf("account %#x: %d fen without a posting", account, balance)
		}
	}
	return nil
}

// checkPayables: an institution holds exactly what its standing settlements brought it.
func (m *Model) checkPayables() error {
	undone := map[uint64]bool{}
	for _, r := range m.reversals {
		undone[r.original] = true
	}
	want := map[uint64]int64{}
	for _, s := range m.settled {
		if !undone[s.position] {
			want[s.institution.account()] += s.plan.own + s.plan.mulaid
		}
	}
	for _, i := range m.institutions {
		if got := m.balances[i.account()]; got != want[i.account()] {
			return fmt.Errorf("institution %d: payable is %d, its settlements say %d", i.Number, got, want[i.account()])
		}
	}
	return nil
}

func (m *Model) checkSettlements() error {
	for _, s := range m.settled {
		p := s.plan
		legs := int64(0)
		for i, t := range s.takes {
			legs += t.amount
			posting, found := m.postingAt(t.account, s.position)
			if !found || t.amount <= 0 || posting.Amount != -t.amount {
				return fmt.Errorf("settlement %d: no posting for leg %d", s.position, i)
			}
			if i < len(s.takes)-1 && posting.After != 0 {
				return fmt.Errorf("settlement %d: leg %d is not the last and leaves %d fen", s.position, i, posting.After)
			}
		}
		if legs != p.own+p.mulaid || legs > p.payable || p.cash < 0 || legs+p.cash != p.psnPart {
			return fmt.Errorf("settlement %d: figures do not add up: legs %d, %+v", s.position, legs, p)
		}
		if p.policy.SelfFirst && p.ownUsable && p.mulaid > 0 && p.balc != 0 {
			return fmt.Errorf("settlement %d: relatives paid while %d fen of the patient's own are left", s.position, p.balc)
		}
	}
	return nil
}

// paidByOthers tells whether the command at a position is an entry of its patient's account without a posting (s.1).
func (m *Model) paidByOthers(account, position uint64) bool {
	s := m.records[position].settlement
	for _, r := range m.reversals {
		if r.position == position {
			s = m.records[r.original].settlement
		}
	}
	return s != nil && s.patient.account() == account && s.plan.own == 0 && s.plan.mulaid > 0
}

// postingAt finds the posting of a position in an account's chain, whose positions grow.
func (m *Model) postingAt(account, position uint64) (Posting, bool) {
	chain := m.chains[account]
	i := sort.Search(len(chain), func(i int) bool { return chain[i].Position >= position })
	if i == len(chain) || chain[i].Position != position {
		return Posting{}, false
	}
	return chain[i], true
}

// hasPosting looks for an amount among the postings of a position.
func (m *Model) hasPosting(account, position uint64, amount int64) bool {
	for _, p := range m.chains[account] {
		if p.Position == position && p.Amount == amount {
			return true
		}
	}
	return false
}

// checkReversals: at most one a settlement, and each gives back leg for leg.
func (m *Model) checkReversals() error {
	seen := map[uint64]bool{}
	for _, r := range m.reversals {
		original := m.records[r.original].settlement
		if original == nil || r.original >= r.position || seen[r.original] {
			return fmt.Errorf("reversal %d of settlement %d: no original before it, or not the first", r.position, r.original)
		}
		seen[r.original] = true
		for _, t := range original.takes {
			if !m.hasPosting(t.account, r.position, t.amount) {
				return fmt.Errorf("reversal %d: account %#x did not get %d back", r.position, t.account, t.amount)
			}
		}
	}
	return nil
}

// checkIDs: marks belong to accepted credits and reversals, the other entries to commands that ran.
func (m *Model) checkIDs() error {
	for key, entry := range m.ids {
		r, ok := m.records[entry.Position]
		if !ok || entry.Tag < TagCommand || entry.Tag > TagMark {
			return fmt.Errorf("id %x: entry %+v names no command", key[:4], entry)
		}
		if entry.Tag == TagTombstone && (r.kind != KindReversalByMessage || r.outcome != Tombstoned) {
			return fmt.Errorf("id %x: tombstone of kind %d, outcome %d", key[:4], r.kind, r.outcome)
		}
		if entry.Tag == TagMark && r.outcome != Accepted {
			return fmt.Errorf("id %x: mark of a command with outcome %d", key[:4], r.outcome)
		}
	}
	return nil
}
