package model

import (
	"crypto/sha256"
	"encoding/binary"
	"fmt"
	"math"
	"slices"
)

// Limits and account kinds of s.1.
const (
	AmountMax  = 9_999_999_999_999_999     // 16,2 digits, fen
	FundingMax = 4_000_000_000_000_000_000 // fen

	AccountPersonal    = 1
	AccountFamily      = 2
	AccountInstitution = 3
	AccountPremium     = 4
	AccountAreaDue     = 5
	AccountFundBank    = 6
	AccountFunding     = 7

	TagCommand   = 1
	TagTombstone = 2
	TagMark      = 3

	openEnd          = int32(math.MaxInt32)
	employee         = 310  // the insurance type that may lend
	orderMissing     = 1000 // stored when a binding names no order
	authorizersLimit = 32   // when a policy names no max_authorizers
)

// Model is the whole state. It starts empty and is changed by Apply only.
type Model struct {
	commands     int // how many commands were ever applied
	ledgerID     Key
	policies     []Policy // accepted ones in log order
	dayKeys      map[int32]DayKeyState
	persons      []*PersonState
	byPsn        map[Key]*PersonState
	byPseudonym  map[Key]*PersonState
	institutions []*InstitutionState
	byCode       map[string]*InstitutionState
	bindings     []*BindingState
	families     []*FamilyState
	cards        []*CredentialState
	byCard       map[Key]*CredentialState
	passwords    map[uint32]PasswordState // by person
	runs         []*RunState
	byRun        map[Key]*RunState
	ids          map[Key]IDEntry
	records      map[uint64]record
	settled      []*settled      // accepted settlements in log order
	reversals    []reversal      // accepted reversals in log order
	premiums     []*premiumState // accepted premiums in log order
	visits       []*VisitState   // held ones in the order of their opening
	dues         []due           // postings between areas in log order
	clearings    []ClearingState // in log order
	closed       int32           // days up to this one are closed, 0: none
	balances     map[uint64]int64
	chains       map[uint64][]Posting
}

// record says of every command that ever ran what it was and how it ended.
type record struct {
	kind       int
	outcome    int
	settlement *settled // accepted settlements only
	about      *settled // accepted reversals only: the settlement cancelled or redone
	redo       bool
	day        int32  // accepted reversals
	void       bool   // accepted reversals: in no day's count
	freed      uint32 // accepted cancels: lines given back to a visit
}

// settled is an accepted settlement; takes are its legs as positive amounts.
type settled struct {
	position    uint64
	day         int32
	institution *InstitutionState
	patient     *PersonState
	takes       []take
	plan        plan
	areas       areas
	acts        []uint64 // what was done about it since: cancelled, redone, cancelled ... in turn
	visit       uint64   // whose lines it took, 0: none
	final       bool     // of a stay: its final one
}

type take struct {
	account uint64
	amount  int64
}

type reversal struct {
	position uint64
	original uint64
	redo     bool // of a cancel (R11)
}

// moment is where and when a command runs.
type moment struct {
	sequence uint64
	index    uint32
	timeMS   int64
	today    int32
	policy   *Policy // nil: none in force
	dayKey   []byte
}

func (now moment) position() uint64 { return now.sequence<<20 | uint64(now.index) }

// New gives an empty ledger.
func New() *Model {
	return &Model{
		dayKeys:     map[int32]DayKeyState{},
		byPsn:       map[Key]*PersonState{},
		byPseudonym: map[Key]*PersonState{},
		byCode:      map[string]*InstitutionState{},
		byRun:       map[Key]*RunState{},
		byCard:      map[Key]*CredentialState{},
		passwords:   map[uint32]PasswordState{},
		ids:         map[Key]IDEntry{},
		records:     map[uint64]record{},
		balances:    map[uint64]int64{},
		chains:      map[uint64][]Posting{},
	}
}

// Apply runs a batch and gives one result for each command. Sequences must grow from 1; the model does not check it.
func (m *Model) Apply(b Batch) []Result {
	now := m.begin(b)
	results := []Result{}
	for i, c := range b.Commands {
		now.index = uint32(i)
		if slices.Contains(b.Quarantined, i) {
			results = append(results, m.quarantine(now, c))
			continue
		}
		results = append(results, m.apply(now, c))
	}
	return results
}

// quarantine is s.13: the outcome stands whatever the command is; its id is remembered unless something has it.
func (m *Model) quarantine(now moment, c Command) Result {
	msg := message(c)
	if _, taken := m.ids[msg.ID]; !taken && msg.ID != (Key{}) {
		m.ids[msg.ID] = IDEntry{Position: now.position(), Tag: TagCommand, Digest: msg.Digest}
	}
	kept := m.records[now.position()]
	kept.kind, kept.outcome = c.Kind(), Quarantined
	m.records[now.position()] = kept
	m.commands++
	return Result{Outcome: Quarantined}
}

// begin reads what a whole batch shares (s.1).
func (m *Model) begin(b Batch) moment {
	m.expireInvitations(Day(b.TimeMS))
	m.dropGone(Day(b.TimeMS))
	return m.look(b)
}

// look is begin of a batch that may never come: it changes nothing.
func (m *Model) look(b Batch) moment {
	return moment{
		sequence: b.Sequence,
		timeMS:   b.TimeMS,
		today:    Day(b.TimeMS),
		policy:   m.policyAt(b.TimeMS),
		dayKey:   b.DayKey,
	}
}

// apply runs one command: identify, execute, remember.
func (m *Model) apply(now moment, c Command) Result {
	msg := message(c)
	result, known := m.identify(c, msg)
	if !known {
		result = m.execute(now, c)
		// A command that named its own id as the original has just made it a tombstone, which stays (s.4, kind 16).
		_, tombstone := m.ids[msg.ID]
		if msg.ID != (Key{}) && !tombstone {
			m.ids[msg.ID] = IDEntry{Position: now.position(), Tag: TagCommand, Digest: msg.Digest}
		}
	}
	kept := m.records[now.position()]
	kept.kind = c.Kind()
	kept.outcome = result.Outcome
	m.records[now.position()] = kept
	m.commands++
	return result
}

// identify is s.2. The second value is false when the command goes on.
func (m *Model) identify(c Command, msg Message) (Result, bool) {
	if msg.ID == (Key{}) {
		return Result{}, false
	}
	entry, ok := m.ids[msg.ID]
	if !ok {
		return Result{}, false
	}
	if entry.Tag == TagTombstone {
		// original_kind of a settlement is the constant 1 (Q5).
		if c.Kind() == KindSettlement && entry.Digest == 1 {
			return Result{Outcome: Blocked}, true
		}
		if (c.Kind() == KindReversalByID || c.Kind() == KindReversalByMessage) && entry.Digest == 2 {
			return Result{Outcome: Blocked}, true
		}
		if c.Kind() == KindVisitOpen && entry.Digest == 3 {
			return Result{Outcome: Blocked}, true
		}
		return Result{Outcome: IDReused}, true
	}
	if entry.Tag == TagCommand && entry.Digest == msg.Digest {
		return Result{Outcome: Repeated, First: entry.Position}, true
	}
	return Result{Outcome: IDReused}, true // also a mark, which no message id meets (Q6)
}

func (m *Model) execute(now moment, c Command) Result {
	switch c := c.(type) {
	case Genesis:
		return m.genesis(c)
	case Policy:
		return m.policy(now, c)
	case DayKey:
		return Result{Outcome: m.dayKey(c)}
	case DayKeyPublish:
		return Result{Outcome: m.dayKeyPublish(now, c)}
	case Tick, ClockConfirm:
		return Result{Outcome: Accepted}
	case Person:
		return m.person(now, c)
	case Enrolment:
		return m.enrolment(c)
	case Institution:
		return m.institution(c)
	case Credit:
		return m.credit(now, c)
	case RunOpen:
		return Result{Outcome: m.runOpen(now, c)}
	case RunClose:
		return Result{Outcome: m.runClose(now, c)}
	case Binding:
		return m.binding(now, c)
	case Unbinding:
		return m.unbinding(now, c)
	case Settlement:
		return m.settlement(now, c)
	case ReversalByID:
		return m.reversalByID(now, c)
	case ReversalByMessage:
		return m.reversalByMessage(now, c)
	case FamilyOpen:
		return m.familyOpen(now, c)
	case Allocation:
		return m.allocation(now, c)
	case FamilyDissolution:
		return m.familyDissolution(now, c)
	case BindingConsent:
		return m.consent(now, c)
	case BindingReview:
		return m.review(now, c)
	case BindingWithdraw:
		return m.withdraw(now, c)
	case ForcedUnbinding:
		return m.forcedUnbinding(now, c)
	case DebitOrder:
		return Result{Outcome: m.debitOrder(now, c)}
	case Premium:
		return m.premium(now, c)
	case PremiumRefund:
		return m.premiumRefund(now, c)
	case AccountDebit:
		return m.accountDebit(now, c)
	case Freeze:
		return Result{Outcome: m.freeze(c)}
	case Password:
		return Result{Outcome: m.password(now, c)}
	case Credential:
		return m.credential(c)
	case Clearing:
		return m.clearing(now, c)
	case DayClose:
		return Result{Outcome: m.dayClose(now, c)}
	case PersonChange:
		return Result{Outcome: m.change(now, c)}
	}
	return m.executeVisit(now, c)
}

func (m *Model) executeVisit(now moment, c Command) Result {
	switch c := c.(type) {
	case VisitOpen:
		return m.visitOpen(now, c)
	case VisitCancel:
		return m.onVisit(now, c.VisitHead, func(v *VisitState) Result { return m.visitCancel(now, v) })
	case VisitChange:
		return m.onVisit(now, c.VisitHead, func(v *VisitState) Result { return m.visitChange(now, v, c.MedType) })
	case LinesAdd:
		if now.policy == nil {
			return Result{Outcome: NoPolicy}
		}
		return m.onVisit(now, c.VisitHead, func(v *VisitState) Result { return m.linesAdd(now, v, c.Lines) })
	case LinesRemove:
		return m.onVisit(now, c.VisitHead, func(v *VisitState) Result { return m.linesRemove(now, v, c) })
	case Discharge:
		return m.onVisit(now, c.VisitHead, func(v *VisitState) Result { return m.discharge(now, v, c.Last) })
	case DischargeCancel:
		return m.onVisit(now, c.VisitHead, m.dischargeCancel)
	}
	panic(fmt.Sprintf("model: no such command: %T", c))
}

func (m *Model) genesis(c Genesis) Result {
	if m.commands != 0 {
		return Result{Outcome: GenesisAgain}
	}
	m.ledgerID = c.LedgerID
	return Result{Outcome: Accepted}
}

// AccountID is kind << 56 | number (s.1).
func AccountID(kind int, number uint64) uint64 { return uint64(kind)<<56 | number }

// Position is (sequence << 20) | index (s.1).
func Position(sequence uint64, index int) uint64 { return sequence<<20 | uint64(index) }

// K is the key of s.1: the first 16 bytes of SHA-256 over each text preceded by its length as 4 bytes big-endian.
func K(texts ...string) Key {
	var all []byte
	for _, text := range texts {
		all = binary.BigEndian.AppendUint32(all, uint32(len(text)))
		all = append(all, text...)
	}
	sum := sha256.Sum256(all)
	return Key(sum[:16])
}

// post moves an amount on a personal or family account and extends its chain.
func (m *Model) post(now moment, account uint64, amount int64) Leg {
	leg := Leg{Account: account, Amount: amount, After: m.balances[account] + amount, Prev: m.LastPosition(account)}
	m.balances[account] = leg.After
	m.chains[account] = append(m.chains[account], Posting{Position: now.position(), Leg: leg})
	return leg
}

// follow makes the command the newest of an institution's chain and gives the one before it.
func (m *Model) follow(now moment, i *InstitutionState) uint64 {
	prev := i.Last
	i.Last = now.position()
	return prev
}

// entry puts a settlement or reversal in which others paid and the patient did not into his chain, as a posting of nothing (s.1), and gives
// the entry before it.
func (m *Model) entry(now moment, patient *PersonState, own, mulaid int64) uint64 {
	if own != 0 || mulaid == 0 {
		return 0
	}
	account := patient.account()
	prev := m.LastPosition(account)
	m.chains[account] = append(m.chains[account], Posting{Position: now.position(), Leg: Leg{Account: account, After: m.balances[account], Prev: prev}})
	return prev
}
