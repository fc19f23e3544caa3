package ledger

import "strconv"

// Outcome is what the ledger decided: deterministic, part of the log's protocol, never renumbered. 1 to 9 accept.
type Outcome uint16

// The outcomes; DESIGN.md 3 explains them.
const (
	Accepted              Outcome = 1
	Repeated              Outcome = 2
	Tombstoned            Outcome = 3
	NothingToUndo         Outcome = 4
	VisitUndone           Outcome = 5 // a reversal by message cancelled the visit that the message opened
	IDReused              Outcome = 101
	Blocked               Outcome = 102
	UnknownPerson         Outcome = 201
	UnknownInstitution    Outcome = 202
	UnknownSettlement     Outcome = 203
	UnknownBinding        Outcome = 204
	UnknownFamily         Outcome = 205
	UnknownRun            Outcome = 206
	UnknownUser           Outcome = 207
	NoPolicy              Outcome = 208
	NoDayKey              Outcome = 209
	PersonExists          Outcome = 301
	CertificateExists     Outcome = 302
	NoAccount             Outcome = 303
	InstitutionExists     Outcome = 304
	LedgerFull            Outcome = 305
	WrongCredential       Outcome = 401
	ShortOfFunds          Outcome = 402
	AmountChanged         Outcome = 403
	AmountParts           Outcome = 404
	AmountRange           Outcome = 405
	UnknownCredential     Outcome = 406
	CredentialInactive    Outcome = 407
	CredentialOfOther     Outcome = 408
	RelativesCredential   Outcome = 409
	CredentialExists      Outcome = 410
	StatusForbids         Outcome = 415
	AccountIsFrozen       Outcome = 416
	AlreadyFrozen         Outcome = 417
	NotFrozen             Outcome = 418
	OutsideTerritory      Outcome = 420
	CategoryNotAllowed    Outcome = 421
	AccountExists         Outcome = 422
	NoChange              Outcome = 423
	PasswordsOff          Outcome = 430
	PasswordExists        Outcome = 431
	NoPassword            Outcome = 432
	WrongPassword         Outcome = 433
	PasswordLocked        Outcome = 434
	SameOperator          Outcome = 450
	AlreadyReversed       Outcome = 501
	WrongOriginalKind     Outcome = 503
	WrongPerson           Outcome = 504
	CancelFinal           Outcome = 506
	SelfBinding           Outcome = 601
	DuplicateBinding      Outcome = 602
	AuthorizerNotEligible Outcome = 603
	EvoucherNotActive     Outcome = 604
	RelationNotAllowed    Outcome = 605
	UserNotNormal         Outcome = 606
	TooManyAuthorizers    Outcome = 608
	Locked                Outcome = 609
	NotBound              Outcome = 610
	NotAllowed            Outcome = 611
	ChannelNotAllowed     Outcome = 612
	LoginNotAllowed       Outcome = 613
	CommitmentMissing     Outcome = 614
	InOtherFamily         Outcome = 615
	QuestionsMissing      Outcome = 616
	DataConsentMissing    Outcome = 617
	ApplicationMissing    Outcome = 618
	FaceMissing           Outcome = 619
	InvitationExpired     Outcome = 620
	NotPending            Outcome = 621
	WaitsForReview        Outcome = 622 // of one binding of an unbinding: a clerk decides
	OrderIncomplete       Outcome = 624
	OrderRepeats          Outcome = 625
	SelfNotAllowed        Outcome = 626
	AllocationAmount      Outcome = 627
	AllocationTimes       Outcome = 628
	FamilyMoney           Outcome = 629
	RunExists             Outcome = 701
	RunClosed             Outcome = 702
	RunDiffers            Outcome = 703
	AlreadyCredited       Outcome = 704
	PremiumNotAllowed     Outcome = 720
	PremiumSeason         Outcome = 721
	PremiumPaid           Outcome = 722
	UnknownPremium        Outcome = 723
	PremiumRefunded       Outcome = 724
	PremiumLimit          Outcome = 725
	DayClosed             Outcome = 740
	DayNotOver            Outcome = 741
	DayOpen               Outcome = 742
	AlreadyCleared        Outcome = 743
	ClearingExceeds       Outcome = 744
	VisitsOff             Outcome = 750
	VisitUnknown          Outcome = 751
	VisitPatient          Outcome = 752 // the visit is another person's
	VisitClosed           Outcome = 753 // expired, cancelled or discharged
	VisitLimit            Outcome = 754
	VisitsFull            Outcome = 755
	VisitSettled          Outcome = 756 // a settled line hangs on it
	StaySettled           Outcome = 757 // finally
	BatchSettled          Outcome = 758
	LinesDiffer           Outcome = 759 // from the bill
	LinesLimit            Outcome = 760
	LineExists            Outcome = 761 // with other content
	LineUnknown           Outcome = 762
	LineSettled           Outcome = 763
	LineReturned          Outcome = 764
	ReturnExceeds         Outcome = 765
	NotAStay              Outcome = 766
	NotDischarged         Outcome = 767
	VisitExists           Outcome = 768
	PolicyInPast          Outcome = 901
	PolicyVersion         Outcome = 902
	PolicyImpossible      Outcome = 903
	KeyExists             Outcome = 904
	KeyDiffers            Outcome = 905
	KeyNotPast            Outcome = 906
	GenesisAgain          Outcome = 907
	Quarantined           Outcome = 990
)

var outcomeNames = map[Outcome]string{
	Accepted: "accepted", Repeated: "repeated", Tombstoned: "tombstoned", NothingToUndo: "nothing_to_undo", VisitUndone: "visit_undone",
	IDReused: "id_reused", Blocked: "blocked", UnknownPerson: "unknown_person", UnknownInstitution: "unknown_institution",
	UnknownSettlement: "unknown_settlement", UnknownBinding: "unknown_binding", UnknownFamily: "unknown_family", UnknownRun: "unknown_run",
	UnknownUser: "unknown_user", NoPolicy: "no_policy", NoDayKey: "no_day_key", PersonExists: "person_exists",
	CertificateExists: "certificate_exists", NoAccount: "no_account", InstitutionExists: "institution_exists", LedgerFull: "ledger_full",
	WrongCredential: "wrong_credential", ShortOfFunds: "short_of_funds", AmountChanged: "amount_changed", AmountParts: "amount_parts",
	AmountRange: "amount_range", SameOperator: "same_operator", AlreadyReversed: "already_reversed", WrongOriginalKind: "wrong_original_kind", WrongPerson: "wrong_person",
	CancelFinal: "cancel_final", SelfBinding: "self_binding", DuplicateBinding: "duplicate_binding",
	AuthorizerNotEligible: "authorizer_not_eligible", EvoucherNotActive: "evoucher_not_active", RelationNotAllowed: "relation_not_allowed",
	UserNotNormal: "user_not_normal", TooManyAuthorizers: "too_many_authorizers", Locked: "locked", NotBound: "not_bound",
	NotAllowed: "not_allowed", ChannelNotAllowed: "channel_not_allowed", LoginNotAllowed: "login_not_allowed",
	CommitmentMissing: "commitment_missing", InOtherFamily: "in_other_family", QuestionsMissing: "questions_missing",
	DataConsentMissing: "data_consent_missing", ApplicationMissing: "application_missing", FaceMissing: "face_missing",
	InvitationExpired: "invitation_expired", NotPending: "not_pending", WaitsForReview: "waits_for_review",
	OrderIncomplete: "order_incomplete", OrderRepeats: "order_repeats", SelfNotAllowed: "self_not_allowed",
	AllocationAmount: "allocation_amount", AllocationTimes: "allocation_times", FamilyMoney: "family_money", RunExists: "run_exists", RunClosed: "run_closed", RunDiffers: "run_differs",
	AlreadyCredited: "already_credited", PremiumNotAllowed: "premium_not_allowed", PremiumSeason: "premium_season", PremiumPaid: "premium_paid",
	UnknownPremium: "unknown_premium", PremiumRefunded: "premium_refunded", PremiumLimit: "premium_limit", DayClosed: "day_closed", DayNotOver: "day_not_over", DayOpen: "day_open",
	AlreadyCleared: "already_cleared", ClearingExceeds: "clearing_exceeds", PolicyInPast: "policy_in_past", PolicyVersion: "policy_version", PolicyImpossible: "policy_impossible",
	UnknownCredential: "unknown_credential", CredentialInactive: "credential_inactive", CredentialOfOther: "credential_of_other",
	RelativesCredential: "relatives_credential", CredentialExists: "credential_exists", StatusForbids: "status_forbids",
	AccountIsFrozen: "account_frozen", AlreadyFrozen: "already_frozen", NotFrozen: "not_frozen",
	OutsideTerritory: "outside_territory", CategoryNotAllowed: "category_not_allowed",
	AccountExists: "account_exists", NoChange: "no_change", PasswordsOff: "passwords_off",
	PasswordExists: "password_exists", NoPassword: "no_password", WrongPassword: "wrong_password",
	PasswordLocked: "password_locked",
	VisitsOff:      "visits_off", VisitUnknown: "visit_unknown", VisitPatient: "visit_patient", VisitClosed: "visit_closed", VisitLimit: "visit_limit",
	VisitsFull: "visits_full", VisitSettled: "visit_settled", StaySettled: "stay_settled", BatchSettled: "batch_settled", LinesDiffer: "lines_differ",
	LinesLimit: "lines_limit", LineExists: "line_exists", LineUnknown: "line_unknown", LineSettled: "line_settled", LineReturned: "line_returned",
	ReturnExceeds: "return_exceeds", NotAStay: "not_a_stay", NotDischarged: "not_discharged", VisitExists: "visit_exists",
	KeyExists: "key_exists", KeyDiffers: "key_differs", KeyNotPast: "key_not_past", GenesisAgain: "genesis_again", Quarantined: "quarantined",
}

// String is the stable code that callers see.
func (o Outcome) String() string {
	if s, ok := outcomeNames[o]; ok {
		return s
	}
	return "outcome_" + strconv.Itoa(int(o))
}

// IsAccepted reports whether the command took effect (or rightly had nothing to do).
func (o Outcome) IsAccepted() bool { return o >= 1 && o <= 9 }
