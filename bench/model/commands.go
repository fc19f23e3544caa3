package model

// Key is a 16-byte key; as a message id 16 zero bytes mean "none" (s.2).
type Key = [16]byte

// Batch is one record of the log. TimeMS is milliseconds since 1970 UTC; DayKey is today's 32-byte key or nil.
type Batch struct {
	Sequence uint64
	TimeMS   int64
	DayKey   []byte
	Commands []Command
	// Quarantined are the indexes of commands that an operator took out (s.13), ascending.
	Quarantined []int
}

// Command is one of the kinds of s.4, always as a value (never a pointer).
type Command interface{ Kind() int }

// Message is what the commands marked (id) in s.4 carry: the id's key and the digest of the content, which the caller
// computes and the model only compares (Q1).
type Message struct {
	ID     Key
	Digest uint64
}

// The kinds of s.4. Days are days since 1970-01-01 at +08:00, amounts are fen, times are ms.
type (
	// Genesis is kind 1.
	Genesis struct{ LedgerID Key }

	// DayKey is kind 3.
	DayKey struct {
		Day    int32
		Hash   [32]byte
		Sealed []byte
	}

	// DayKeyPublish is kind 4.
	DayKeyPublish struct {
		Day int32
		Key [32]byte
	}

	// Tick is kind 5.
	Tick struct{}

	// Person is kind 6.
	Person struct {
		Message
		Psn            Key
		Pseudonym      Key
		Birth          int32
		Area           uint32
		HasAccount     bool
		EvoucherActive bool
		Enrolments     []Insurance // at most 8
	}

	// Enrolment is kind 7.
	Enrolment struct {
		Message
		Psn Key
		Insurance
	}

	// Insurance is what kinds 6 and 7 say about one enrolment.
	Insurance struct {
		Insutype uint16
		Status   uint8 // 1 normal
		Area     uint32
		Begin    int32
		End      int32 // 0: open
		PsnType  uint32
		Flexible uint8
		Reason   uint8 // 2 dead, 3 moved, 4 correction of a death
	}

	// Institution is kind 8.
	Institution struct {
		Code string
		Type uint8 // 2: pharmacy
		Area uint32
	}

	// Credit is kind 9. A zero Run means no run.
	Credit struct {
		Message
		Psn    Key
		Amount int64
		Source uint8
		Period uint32
		Run    Key
	}

	// RunOpen is kind 10.
	RunOpen struct {
		Run    Key
		Source uint8
		Period uint32
		Count  uint32
		Amount int64
	}

	// RunClose is kind 11.
	RunClose struct{ Run Key }

	// Binding is kind 12.
	Binding struct {
		Message
		Authorizer    Key // psn key
		UserPseudonym Key
		Relation      uint8
		Order         uint16 // 0: none given
		Channel       uint8
		Login         uint8
		Steps         uint8
		Commitment    Key
		Questions     Key
	}

	// Unbinding is kind 13.
	Unbinding struct {
		Message
		Actor    Key
		AsUser   bool
		Channel  uint8
		Steps    uint8
		Bindings []uint32
	}

	// BindingConsent is kind 20.
	BindingConsent struct {
		Message
		User    Key
		Binding uint32
		Accept  bool
		Steps   uint8
	}

	// BindingReview is kind 21.
	BindingReview struct {
		Message
		Binding uint32
		Accept  bool
	}

	// BindingWithdraw is kind 22.
	BindingWithdraw struct {
		Message
		Authorizer Key
		Binding    uint32
	}

	// ForcedUnbinding is kind 23.
	ForcedUnbinding struct {
		Message
		Binding  uint32
		Reason   uint8
		Officers [2]Key
	}

	// DebitOrder is kind 24. Elements are binding numbers or OwnElement.
	DebitOrder struct {
		Message
		Patient  Key
		Elements []uint32
	}

	// Settlement is kind 14.
	Settlement struct {
		Message
		Institution    string
		Psn            Key
		CredentialType uint8
		Credential     Key
		AcctUsedFlag   uint8 // 0, 1, 2; whoever makes the command turns "absent" into 1
		Medfee         int64
		Fund           int64
		HospPart       int64
		Preselfpay     int64
		Inscp          int64
		Overlmt        int64
		Fulamt         int64
		OnShortfall    uint8     // 0 cash, 1 refuse
		Expected       *Expected // nil: not given
		Visit          int32     // first day of the visit, 0: not told
		Opened         uint64    // position of the visit whose lines are settled, 0: none
		Batch          uint64    // of the lines, 0: all
		Interim        bool
		Passwords      []Typed
	}

	// Typed is a password at a till: its digest and whose it shall be.
	Typed struct{ Authorizer, Digest Key }

	// Expected is what the patient was told before (R4).
	Expected struct{ AcctPay, Cash int64 }

	// ReversalByID is kind 15. Settlement is a position.
	ReversalByID struct {
		Message
		Settlement  uint64
		Institution string
		Psn         Key
	}

	// ReversalByMessage is kind 16.
	ReversalByMessage struct {
		Message
		Institution  string
		OriginalID   Key
		OriginalKind uint8 // 1 settlement, 2 reversal, 3 VisitOpen
		Psn          Key
	}

	// FamilyOpen is kind 17.
	FamilyOpen struct {
		Message
		Creator Key
		Channel uint8
	}

	// FamilyDissolution is kind 31.
	FamilyDissolution struct {
		Message
		Creator Key
		Family  uint32
		Channel uint8
	}

	// Allocation is kind 18.
	Allocation struct {
		Message
		Creator Key
		Amount  int64
		Channel uint8
	}

	// Freeze is kind 25. Reason is not looked at.
	Freeze struct {
		Message
		IsFamily  bool
		Psn       Key
		Family    uint32
		Frozen    bool
		Reason    uint8
		Operators [2]Key
	}

	// Password is kind 26. Action: 1 set, 2 change, 3 reset.
	Password struct {
		Message
		Psn      Key
		Action   uint8
		Old, New Key
	}

	// Credential is kind 27. State: 1 active, 2 lost, 3 cancelled.
	Credential struct {
		Message
		Psn   Key
		Card  Key
		State uint8
	}

	// PersonChange is kind 36; nil: not to be changed.
	PersonChange struct {
		Message
		Psn         Key
		OpenAccount bool
		Evoucher    *bool
		Area        *uint32
		Birth       *int32
	}

	// VisitHead is what the kinds 41 to 46 have in common. Text is the digest of the texts.
	VisitHead struct {
		Message
		Institution string
		Psn         Key
		Visit       uint64
		Text        uint64
	}

	// VisitOpen is kind 40. VisitKind: 1 registration, 2 stay. First: 0 not told.
	VisitOpen struct {
		Message
		Institution    string
		Psn            Key
		VisitKind      uint8
		First          int32
		MedType        uint32
		Insutype       uint32
		Number         uint64 // the institution's own, 0: not told
		CredentialType uint8
		Credential     Key
		Text           uint64
	}

	// VisitCancel is kind 41.
	VisitCancel struct{ VisitHead }

	// VisitChange is kind 42.
	VisitChange struct {
		VisitHead
		MedType uint32
	}

	// LinesAdd is kind 43.
	LinesAdd struct {
		VisitHead
		Lines []FeeLine
	}

	// FeeLine is a line as it is sent. Returns: the serial of the charge, 0: it is a charge.
	FeeLine struct {
		Serial     uint64
		Returns    uint64
		Batch      uint64
		Text       uint64
		Count      int64
		Amount     int64
		Fulamt     int64
		Overlmt    int64
		Preselfpay int64
	}

	// LinesRemove is kind 44. Mode: 0 all unsettled, 1 the batch, 2 the serials.
	LinesRemove struct {
		VisitHead
		Mode    uint8
		Batch   uint64
		Serials []uint64
	}

	// Discharge is kind 45.
	Discharge struct {
		VisitHead
		Last int32
	}

	// DischargeCancel is kind 46.
	DischargeCancel struct{ VisitHead }

	// ClockConfirm is kind 19.
	ClockConfirm struct{}
)

// The numbers of the kinds (s.4).
const (
	KindGenesis = iota + 1
	KindPolicy
	KindDayKey
	KindDayKeyPublish
	KindTick
	KindPerson
	KindEnrolment
	KindInstitution
	KindCredit
	KindRunOpen
	KindRunClose
	KindBinding
	KindUnbinding
	KindSettlement
	KindReversalByID
	KindReversalByMessage
	KindFamilyOpen
	KindAllocation
	KindClockConfirm
	KindBindingConsent
	KindBindingReview
	KindBindingWithdraw
	KindForcedUnbinding
	KindDebitOrder
	KindFreeze
	KindPassword
	KindCredential

	KindFamilyDissolution = 31
	KindPersonChange      = 36

	KindVisitOpen       = 40
	KindVisitCancel     = 41
	KindVisitChange     = 42
	KindLinesAdd        = 43
	KindLinesRemove     = 44
	KindDischarge       = 45
	KindDischargeCancel = 46
)

// OwnElement stands for the own account in a debit order.
const OwnElement = 1<<32 - 1

func (Genesis) Kind() int           { return KindGenesis }
func (Policy) Kind() int            { return KindPolicy }
func (DayKey) Kind() int            { return KindDayKey }
func (DayKeyPublish) Kind() int     { return KindDayKeyPublish }
func (Tick) Kind() int              { return KindTick }
func (Person) Kind() int            { return KindPerson }
func (Enrolment) Kind() int         { return KindEnrolment }
func (Institution) Kind() int       { return KindInstitution }
func (Credit) Kind() int            { return KindCredit }
func (RunOpen) Kind() int           { return KindRunOpen }
func (RunClose) Kind() int          { return KindRunClose }
func (Binding) Kind() int           { return KindBinding }
func (Unbinding) Kind() int         { return KindUnbinding }
func (Settlement) Kind() int        { return KindSettlement }
func (ReversalByID) Kind() int      { return KindReversalByID }
func (ReversalByMessage) Kind() int { return KindReversalByMessage }
func (FamilyOpen) Kind() int        { return KindFamilyOpen }
func (Allocation) Kind() int        { return KindAllocation }
func (ClockConfirm) Kind() int      { return KindClockConfirm }
func (BindingConsent) Kind() int    { return KindBindingConsent }
func (BindingReview) Kind() int     { return KindBindingReview }
func (BindingWithdraw) Kind() int   { return KindBindingWithdraw }
func (ForcedUnbinding) Kind() int   { return KindForcedUnbinding }
func (DebitOrder) Kind() int        { return KindDebitOrder }
func (FamilyDissolution) Kind() int { return KindFamilyDissolution }
func (Freeze) Kind() int            { return KindFreeze }
func (Password) Kind() int          { return KindPassword }
func (Credential) Kind() int        { return KindCredential }
func (PersonChange) Kind() int      { return KindPersonChange }

func (VisitOpen) Kind() int       { return KindVisitOpen }
func (VisitCancel) Kind() int     { return KindVisitCancel }
func (VisitChange) Kind() int     { return KindVisitChange }
func (LinesAdd) Kind() int        { return KindLinesAdd }
func (LinesRemove) Kind() int     { return KindLinesRemove }
func (Discharge) Kind() int       { return KindDischarge }
func (DischargeCancel) Kind() int { return KindDischargeCancel }

// message gives what an (id) command carries, and nothing for the other kinds.
func message(c Command) Message {
	switch c := c.(type) {
	case Person:
		return c.Message
	case Enrolment:
		return c.Message
	case Credit:
		return c.Message
	case Binding:
		return c.Message
	case Unbinding:
		return c.Message
	case Settlement:
		return c.Message
	case ReversalByID:
		return c.Message
	case ReversalByMessage:
		return c.Message
	case FamilyOpen:
		return c.Message
	case Allocation:
		return c.Message
	case BindingConsent:
		return c.Message
	case BindingReview:
		return c.Message
	case BindingWithdraw:
		return c.Message
	case ForcedUnbinding:
		return c.Message
	case DebitOrder:
		return c.Message
	case FamilyDissolution:
		return c.Message
	case Premium:
		return c.Message
	case PremiumRefund:
		return c.Message
	case AccountDebit:
		return c.Message
	case Freeze:
		return c.Message
	case Password:
		return c.Message
	case Credential:
		return c.Message
	case PersonChange:
		return c.Message
	case Clearing:
		return c.Message
	case VisitOpen:
		return c.Message
	case VisitCancel:
		return c.Message
	case VisitChange:
		return c.Message
	case LinesAdd:
		return c.Message
	case LinesRemove:
		return c.Message
	case Discharge:
		return c.Message
	case DischargeCancel:
		return c.Message
	}
	return Message{}
}

// Result is what one command did. A field not named here for an outcome is zero.
//   - First: repeated only, the position of the first command with this id.
//   - Number: the number of the person, institution, binding or family that an accepted command created or was about.
//   - Payable, Own, Mulaid, Cash: settlement accepted or amount_changed; fen.
//   - Balc: the same, and accepted reversals; for amount_changed the own balance as it would be afterwards.
//   - Legs: the postings on accounts of kinds 1 and 2, in order.
//   - Items: accepted unbinding, one for each number.
//   - State: accepted binding, consent, review, withdrawal and forced unbinding: the binding's state afterwards. Accepted redo: 2, final settlement of a stay: 1.
//   - Drawn: accepted settlement for which a draw was made (s.5), all candidates in the drawn order.
//   - Prev: accepted settlement or reversal in which others paid and the patient did not (s.1), the previous entry of his account.
//   - InstPrev: accepted settlement or reversal, the institution's accepted settlement or reversal before it.
//   - Area: accepted settlement and premium: of the patient or insured; accepted reversal and refund: that of then.
//   - Void: accepted reversal, whether it and its settlement leave their day.
//   - Original: accepted reversals, the position of the settlement undone or redone, the visit's opening; accepted changes of a visit, the change before.
//   - Visit: accepted settlements with a visit, their reversals, kinds 40 to 46: the visit. Number: how many lines moved.
type Result struct {
	Outcome  int
	First    uint64
	Number   uint32
	Payable  int64
	Own      int64
	Mulaid   int64
	Cash     int64
	Balc     int64
	Legs     []Leg
	Items    []UnbindResult
	Original uint64
	State    uint8
	Drawn    []Candidate
	Prev     uint64
	InstPrev uint64
	Area     uint32
	Void     bool
	Visit    uint64
}

// Candidate is a relative in a draw: his person number and his place before it, in binding-number order.
type Candidate struct {
	Person uint32
	Rank   int
}

// Leg is one posting on a personal or family account; a negative amount is a debit. Prev is the position of the
// account's previous posting, 0 for none.
type Leg struct {
	Account uint64
	Amount  int64
	After   int64
	Prev    uint64
	Area    uint32 // of the payer, if his pooling area is not the patient's
}

// UnbindResult is the outcome of one number of an Unbinding; EarliestDay is filled for locked only.
type UnbindResult struct {
	Binding     uint32
	Outcome     int
	EarliestDay int32
}
