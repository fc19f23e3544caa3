package ledger

import "encoding/binary"

// Rows are fixed records without pointers and without padding: checkpoints and digests use their bytes as they lie in memory
// (little-endian machines only, checked at start by engine/state). A change here is a change of format.

// Code is the text of an institution's fixmedins_code (C30).
type Code struct {
	Text   [30]byte
	Length uint8
	_      uint8
}

// NewCode copies a text of 1 to 30 bytes; longer text is cut, which callers refuse before.
func NewCode(text []byte) (c Code) {
	c.Length = uint8(copy(c.Text[:], text))
	return c
}

// Bytes is the text; valid as long as c is.
func (c *Code) Bytes() []byte { return c.Text[:c.Length] }

// hash takes eight bytes at a time, as the text is followed by zeros; institutions are few and created by operators only, so it need not resist an
// adversary.
func (c *Code) hash() (h uint64) {
	for at := 0; at < int(c.Length); at += 8 {
		var word [8]byte
		copy(word[:], c.Text[at:])
		h = mix(h ^ binary.LittleEndian.Uint64(word[:]))
	}
	return h
}

// Person is one insured person with his personal account: one cache line. Money commands write Balance and Last only. What many persons have alike
// lies in the summaries (State.Summary); cards, visits and the family he created are found by his number (State.NewestCard, NewestVisit, FamilyOf).
type Person struct {
	Key       Key      // K(psn_no)
	Pseudonym Key      // keyed pseudonym of (certificate type, number)
	Balance   int64    // fen, of the personal account
	Last      Position // position of the account's last entry (DESIGN.md 1)
	Draws     uint32   // first binding in which he is the user, + 1; chained by NextDraw, in binding order
	Shares    uint32   // newest binding in which he is the authorizer, + 1; chained by NextShare
	Summary   uint32   // row of Summaries
	Birth     uint16   // day of birth from birthFirst on, + 1; 0: the summary has it
	Day       uint16   // what the summary calls ownDay, a day from 1 on; 0: it does not
}

// Institution is a designated hospital or pharmacy.
type Institution struct {
	Code    Code
	Payable int64 // fen the insurance owes it from personal accounts
	Area    uint32
	Type    uint8 // fixmedins_type
	_       [3]uint8

	Last Position // its newest accepted settlement or reversal, 0: none; chained by Effect.InstPrev

	TombstoneDay int32  // day of the newest tombstone made by this institution
	Tombstones   uint32 // how many it made on that day

	Clearings uint32 // its newest clearing, + 1; chained by Clearing.Before
	_         [4]uint8
}

// TombstonesOn is how many tombstones the institution has made on a day of ledger time, the newest day or a later one (R13).
func (i *Institution) TombstonesOn(day int32) uint32 {
	if i.TombstoneDay != day {
		return 0
	}
	return i.Tombstones
}

// TypePharmacy is fixmedins_type 2, a retail pharmacy.
const TypePharmacy = 2

// BindingState is the stored state of a binding (R20). Suspended is derived and never stored; Expired is stored late (StateOn).
type BindingState uint8

// The states. Numbers are part of the format.
const (
	Active    BindingState = 1
	Invited   BindingState = 2 // the user has not answered yet (K10)
	InReview  BindingState = 3 // a clerk has not decided yet (K19)
	Unbound   BindingState = 4
	Rejected  BindingState = 5 // by the user or by a clerk
	Expired   BindingState = 6 // an invitation that nobody answered
	Suspended BindingState = 7 // active, and pays nothing today
)

// Binding lets one user draw on one authorizer: half a cache line, all that a settlement asks. BindingTail has the rest.
type Binding struct {
	Authorizer uint32
	User       uint32
	NextDraw   uint32 // active: next active binding of the user, + 1; pending: next older pending one of the user, + 1
	NextShare  uint32 // next living binding of the authorizer, + 1
	Since      int64  // ms; pending: asked, else active since
	Order      uint16 // debit order among the user's authorizers (D4, R22)
	AnswerDays uint16 // an invitation, also one that was answered by a no, was good for so many days from Since on; 0: it was none, or is active
	Relation   uint8  // of the user to the authorizer, agnter_rlts code (16.9)
	Channel    uint8
	State      BindingState
	Marks      uint8 // MarkFace ...
}

// Bits of Binding.Marks.
const (
	MarkFace    = 1 << 0 // the user passed the face step when the binding was asked for
	MarkLeaving = 1 << 1 // an application to end it waits for a clerk (G4)
	MarkTail    = 1 << 2 // it has a BindingTail
)

// BindingTail is what only few bindings have and no settlement asks, but under the allocated strategy for the family. Rows stay for ever, as bindings do.
type BindingTail struct {
	Until   int64  // ms; 0 while living
	Binding uint32 // whose it is
	Family  uint32 // the family whose membership it is, + 1; 0: made under another strategy than allocated
}

// Expires is the first day on which an invitation is no longer good; 0: never.
func (b *Binding) Expires() int32 {
	if b.AnswerDays == 0 {
		return 0
	}
	return DayOf(b.Since) + int32(b.AnswerDays)
}

// StateOn is the state on a day: an invitation has expired by itself, whether or not a command has met it since.
func (b *Binding) StateOn(day int32) BindingState {
	if b.State == Invited && day >= b.Expires() {
		return Expired
	}
	return b.State
}

// IsPending reports whether somebody still has to answer. A pending binding never pays.
func (b *Binding) IsPending(day int32) bool {
	state := b.StateOn(day)
	return state == Invited || state == InReview
}

// IsLiving reports whether it counts for duplicates and limits.
func (b *Binding) IsLiving(day int32) bool { return b.State == Active || b.IsPending(day) }

// Family is Gansu's family account (D6, R24): an object with a creator, members and a balance.
type Family struct {
	Balance    int64
	Last       Position
	AllocSum   int64 // fen allocated in AllocYear
	Since      int64 // ms
	Until      int64 // ms; 0 while open
	Creator    uint32
	Members    uint32 // the creator among them; 0 when dissolved
	AllocCount uint32 // allocations in AllocYear (K21)
	AllocYear  uint32
	Frozen     uint8 // R21
	_          [7]uint8
}

// Run is a credit run (R26).
type Run struct {
	Key        Key
	Count      int64 // announced
	Amount     int64 // announced, fen
	CountDone  int64
	AmountDone int64
	Opened     Position // of the RunOpen
	Closed     Position // of the RunClose; 0 while open. What was refused of the run lies between the two.
	Period     uint32
	Source     uint8
	_          [3]uint8
}

// DayKey is the key of one day's draws: first only its hash and the sealed key, after the day the key itself.
type DayKey struct {
	Logged    int64 // ms: batch time of the command that brought the hash, so that everybody sees how long before the day
	Hash      [32]byte
	Key       [DayKeyBytes]byte // zero until published
	Sealed    [SealedKeyMax]byte
	Day       int32
	SealedLen uint8
	Published uint8
	_         [2]uint8
}

// Scalars are the single values of the ledger.
type Scalars struct {
	Ledger  [16]byte
	Funding [SourcesMax + 1]int64  // fen; negative: brought in
	Premium [PremiumsMax + 1]int64 // fen owed as premiums, by type (R25)
	Bank    [ReasonsMax + 1]int64  // fen that left by account debits, by reason (R26); 0: paid out to institutions (R17)
	Ids     IDSum
	Started uint64 // 1 after genesis
	Visits  VisitRows

	ClosedThrough int32  // every ledger day up to and with this one is closed; 0: none yet, as no ledger is older than 1970 (R15)
	FreeSummary   uint32 // newest free row of Summaries, + 1; chained by Area

	Quarantined     uint64   // commands an operator took out (DESIGN.md 13)
	QuarantineChain [32]byte // over all of them, in log order
}

// IDSum is an order-free digest of the id table: the count and two sums over all entries, so that it can be kept up in any order.
// It finds accidents, not forgers: those are up against the effect chain.
type IDSum struct {
	Count uint64
	A, B  uint64
}

// Add takes an entry in.
func (s *IDSum) Add(key *Key, p Position, digest uint64, tag Tag) {
	s.Count++
	s.A += (key.hash() ^ uint64(p)) * 0x9E3779B97F4A7C15
	s.B += (key.high() ^ digest ^ uint64(tag)<<56) * 0xC2B2AE3D27D4EB4F
}

// AddEntry is Add of an entry's fields.
func (s *IDSum) AddEntry(e *IDEntry) { s.Add(&e.Key, e.Position, e.Digest, e.Tag) }

// Merge adds another sum; sums of disjoint parts merge in any order.
func (s *IDSum) Merge(o IDSum) { s.Count += o.Count; s.A += o.A; s.B += o.B }
