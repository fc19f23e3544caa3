package ledger

// Kind numbers the commands. Part of the format.
type Kind uint8

// The commands; DESIGN.md 4 gives their rules.
const (
	KindGenesis           Kind = 1
	KindPolicy            Kind = 2
	KindDayKey            Kind = 3
	KindDayKeyPublish     Kind = 4
	KindTick              Kind = 5
	KindPerson            Kind = 6
	KindEnrolment         Kind = 7
	KindInstitutionAdd    Kind = 8
	KindCredit            Kind = 9
	KindRunOpen           Kind = 10
	KindRunClose          Kind = 11
	KindBinding           Kind = 12
	KindUnbinding         Kind = 13
	KindSettlement        Kind = 14
	KindReversalByID      Kind = 15
	KindReversalByMessage Kind = 16
	KindFamilyOpen        Kind = 17
	KindAllocation        Kind = 18
	KindClockConfirm      Kind = 19
	KindBindingConsent    Kind = 20
	KindBindingReview     Kind = 21
	KindBindingWithdraw   Kind = 22
	KindForcedUnbinding   Kind = 23
	KindDebitOrder        Kind = 24
	KindFreeze            Kind = 25
	KindPassword          Kind = 26
	KindCredential        Kind = 27
	KindPremium           Kind = 28
	KindPremiumRefund     Kind = 29
	KindAccountDebit      Kind = 30
	KindFamilyDissolution Kind = 31 // structural, and carries legs
	KindPersonChange      Kind = 36
	KindVisitOpen         Kind = 40
	KindVisitCancel       Kind = 41
	KindVisitChange       Kind = 42
	KindLinesAdd          Kind = 43
	KindLinesRemove       Kind = 44
	KindDischarge         Kind = 45
	KindDischargeCancel   Kind = 46
	KindLast                   = KindDischargeCancel
)

// kindsKnown has a bit for every kind there is; between them numbers are kept for others.
const kindsKnown = 1<<(KindFamilyDissolution+1) - 2 | 1<<KindPersonChange | 1<<(KindDischargeCancel+1) - 1<<KindVisitOpen

// IsKnown reports whether there is such a command.
func (k Kind) IsKnown() bool { return k <= KindLast && uint64(kindsKnown)>>k&1 != 0 }

// IsMoney reports whether the command only moves money: batches of these alone may run sharded.
func (k Kind) IsMoney() bool {
	switch k {
	case KindCredit, KindSettlement, KindReversalByID, KindReversalByMessage, KindAllocation, KindPremium, KindPremiumRefund, KindAccountDebit:
		return true
	}
	return false
}

// AsksOriginal reports whether the command may read what an earlier one did.
func (k Kind) AsksOriginal() bool { return k.IsReversal() || k == KindPremiumRefund }

// IsReversal reports whether the command undoes another.
func (k Kind) IsReversal() bool { return k == KindReversalByID || k == KindReversalByMessage }

// OriginalKind says what a reversal by message id undoes (R11).
type OriginalKind uint8

// Original kinds.
const (
	OriginalSettlement OriginalKind = 1
	OriginalReversal   OriginalKind = 2
	OriginalVisit      OriginalKind = 3 // a VisitOpen (2601 of 2401)
	OriginalLast                    = OriginalVisit
)

// Command is one decoded command: a wide record, each kind uses its fields. It is reused from batch to batch; nothing in it may be kept.
type Command struct {
	Kind          Kind
	UsedFlag      uint8 // acct_used_flag 0, 1, 2
	Refuse        bool  // on_shortfall = refuse
	HasExpected   bool
	AsUser        bool  // unbinding asked by the user
	Source        uint8 // funding source of a credit; reason of an account debit; type of a premium
	Relation      uint8
	Channel       uint8
	InstitutionOf uint8 // fixmedins_type of a new institution
	Original      OriginalKind
	CredType      CredentialType
	Order         uint16
	Login         uint8  // way of signing in, 1 to Logins; 0: not told (C4, C5)
	Steps         uint8  // what has been done: StepDataConsent ...
	Reason        uint8  // of a forced unbinding, 1 to EndReasonsMax
	Accept        bool   // consent, review: yes
	Interim       bool   // settlement of a stay that goes on (mid_setl_flag 1)
	ID            Key    // message id key; zero: none
	Digest        uint64 // content digest (R10)
	Person        Key    // patient, authorizer, creator, actor, account holder, payer of a premium
	Other         Key    // credential, user's pseudonym, original's id key, run key, first operator, insured of a premium (psn key)
	Second        Key    // second operator
	Institution   Code
	Amount        int64 // fen
	Bill          BillInput
	ExpectedAcct  int64    // fen
	ExpectedCash  int64    // fen
	Settlement    Position // of the settlement or premium to be undone
	Visit         Position // where the visit was opened; settlement: 0: none
	Batch         uint64   // key of the charge batch; 0: all (settlement)
	Period        uint32   // of a credit; year of a premium
	Binding       uint32   // that a consent, review, withdrawal or forced unbinding is about; of a dissolution: the family
	Count         int64
	Day           int32 // of a day key; settlement, visit: first day of the visit, 0: not told; discharge: its last
	Area          uint32
	Birth         int32
	Has           uint16    // person flags
	Passwords     Passwords // of a settlement; points into the bytes it was read from
	More          *More     // nil for money commands
}

// Bits of Command.Steps.
const (
	StepDataConsent = 1 << 0 // use of personal data agreed to (C2)
	StepApplication = 1 << 1 // an application with a document shown at a counter (F9)
	StepFace        = 1 << 2 // the user's face was recognised (L3)
)

// SelfElement stands for the patient's own account in a debit order.
const SelfElement = 1<<32 - 1

// BillInput are a bill's amounts in fen, by the national names (R1).
type BillInput struct {
	Medfee     int64 // medfee_sumamt
	Fund       int64 // fund_pay_sumamt
	HospPart   int64 // hosp_part_amt
	Preselfpay int64 // preselfpay_amt
	Inscp      int64 // inscp_scp_amt
	Overlmt    int64 // overlmt_selfpay
	Fulamt     int64 // fulamt_ownpay_amt
}

// More carries what only structural commands need.
type More struct {
	Enrolments []Enrolment
	Bindings   []uint32 // to unbind; a debit order, in which SelfElement is the own account
	Commitment Key      // of the letter accepted (K18); zero: none
	Questions  Key      // of the questions and answers read (C9); zero: none
	Hash       [32]byte // of a day key
	Key        [32]byte // a published day key
	Sealed     []byte
	Ledger     [16]byte
	Policy     Policy
	Freeze     Freeze
	Secret     Secret
	Change     Change
	State      uint8 // of a card
	Visit      VisitInput
	Lines      []LineInput // to add
	Serials    []uint64    // of lines to remove
}

// Enrolment is one dated enrolment (R19).
type Enrolment struct {
	Insutype uint16
	Status   uint8 // psn_insu_stas
	Area     uint32
	Begin    int32 // day
	End      int32 // day; 0: open
	PsnType  uint32
	Flexible uint8
	Reason   Reason
}

// StatusNormal is psn_insu_stas 1; InsutypeEmployee is employee basic insurance.
const (
	StatusNormal     = 1
	InsutypeEmployee = 310
)

// Context is what all commands of a batch share.
type Context struct {
	Sequence  uint64
	TimeMS    int64
	Day       int32
	HasPolicy bool
	Policy    Policy
	DayKey    *[DayKeyBytes]byte // nil: none for this day
}

// NewContext reads the policy in force before the batch's first command; the day key is unsealed by the caller.
func NewContext(s *State, sequence uint64, timeMS int64, key *[DayKeyBytes]byte) Context {
	c := Context{Sequence: sequence, TimeMS: timeMS, Day: DayOf(timeMS), DayKey: key}
	c.Policy, c.HasPolicy = s.PolicyAt(timeMS)
	return c
}
