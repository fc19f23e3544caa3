package model

// Posting is one link of an account's chain.
type Posting struct {
	Position uint64
	Leg
}

// IDEntry is a row of the id table. Marks have digest 0 (Q4).
type IDEntry struct {
	Position uint64
	Tag      int
	Digest   uint64
}

// SettlementState is an accepted settlement. Legs are positive amounts in the order they were taken.
type SettlementState struct {
	Position    uint64
	Institution uint32
	Patient     uint32
	AcctPay     int64
	Cash        int64
	ReversedBy  uint64 // position of the cancel that holds, 0: stands
}

// Everything below gives copies, which the caller may keep.

// Balance gives an account's balance in fen, 0 for an account that does not exist.
func (m *Model) Balance(account uint64) int64 { return m.balances[account] }

// Balances gives every account: of persons with an account, families and institutions from their creation on, of funding
// sources from the first credit on.
func (m *Model) Balances() map[uint64]int64 {
	balances := map[uint64]int64{}
	for account, balance := range m.balances {
		balances[account] = balance
	}
	return balances
}

// Chain gives all postings of a personal or family account, oldest first.
func (m *Model) Chain(account uint64) []Posting { return append([]Posting(nil), m.chains[account]...) }

// LastPosition gives the position of the newest posting of a personal or family account, 0 for none.
func (m *Model) LastPosition(account uint64) uint64 {
	chain := m.chains[account]
	if len(chain) == 0 {
		return 0
	}
	return chain[len(chain)-1].Position
}

// IDCount counts the rows of the id table: commands, tombstones and marks.
func (m *Model) IDCount() int { return len(m.ids) }

// IDs gives the id table: commands, tombstones and marks.
func (m *Model) IDs() map[Key]IDEntry {
	ids := map[Key]IDEntry{}
	for key, entry := range m.ids {
		ids[key] = entry
	}
	return ids
}

// Persons gives all persons in number order.
func (m *Model) Persons() []PersonState { return values(m.persons) }

// Institutions gives all institutions in number order.
func (m *Model) Institutions() []InstitutionState { return values(m.institutions) }

// Bindings gives all bindings, ended ones too, in number order.
func (m *Model) Bindings() []BindingState { return values(m.bindings) }

// Families gives all families in number order.
func (m *Model) Families() []FamilyState { return values(m.families) }

// Runs gives all credit runs in number order.
func (m *Model) Runs() []RunState { return values(m.runs) }

func values[T any](rows []*T) []T {
	copies := []T{}
	for _, row := range rows {
		copies = append(copies, *row)
	}
	return copies
}

// Members gives the numbers of the persons in a family, its creator among them, in number order.
func (m *Model) Members(family uint32) []uint32 {
	members := []uint32{}
	for _, p := range m.persons {
		if p.InFamily && p.Family == family {
			members = append(members, p.Number)
		}
	}
	return members
}

// Credentials gives all registered cards in number order.
func (m *Model) Credentials() []CredentialState { return values(m.cards) }

// Password gives the password of a person; false: he has none.
func (m *Model) Password(person uint32) (PasswordState, bool) {
	p, ok := m.passwords[person]
	return p, ok
}

// Policies gives the accepted policies in log order.
func (m *Model) Policies() []Policy { return append([]Policy(nil), m.policies...) }

// PolicyAt gives the policy in force at a time in ms; false if there is none.
func (m *Model) PolicyAt(timeMS int64) (Policy, bool) {
	p := m.policyAt(timeMS)
	if p == nil {
		return Policy{}, false
	}
	return *p, true
}

// DayKeys gives the day keys by day; the sealed bytes are not to be changed.
func (m *Model) DayKeys() map[int32]DayKeyState {
	keys := map[int32]DayKeyState{}
	for day, key := range m.dayKeys {
		keys[day] = key
	}
	return keys
}

// LedgerID gives the id that Genesis set.
func (m *Model) LedgerID() Key { return m.ledgerID }

// Settlements gives the accepted settlements in log order.
func (m *Model) Settlements() []SettlementState {
	states := []SettlementState{}
	for _, s := range m.settled {
		reversedBy := uint64(0)
		if !s.alive() {
			reversedBy = s.acts[len(s.acts)-1]
		}
		states = append(states, SettlementState{
			Position: s.position, Institution: s.institution.Number, Patient: s.patient.Number,
			AcctPay: s.plan.own + s.plan.mulaid, Cash: s.plan.cash, ReversedBy: reversedBy,
		})
	}
	return states
}

// Outcome gives what the command at a position was and how it ended; false if there is none.
func (m *Model) Outcome(position uint64) (kind, outcome int, ok bool) {
	r, ok := m.records[position]
	return r.kind, r.outcome, ok
}
