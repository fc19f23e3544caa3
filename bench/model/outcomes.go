package model

import "fmt"

// The outcome numbers of s.3. Numbers below 100 accept.
const (
	Accepted      = 1
	Repeated      = 2
	Tombstoned    = 3
	NothingToUndo = 4
	VisitUndone   = 5

	IDReused = 101
	Blocked  = 102

	UnknownPerson      = 201
	UnknownInstitution = 202
	UnknownSettlement  = 203
	UnknownBinding     = 204
	UnknownFamily      = 205
	UnknownRun         = 206
	UnknownUser        = 207
	NoPolicy           = 208
	NoDayKey           = 209

	PersonExists      = 301
	CertificateExists = 302
	NoAccount         = 303
	InstitutionExists = 304
	LedgerFull        = 305

	WrongCredential = 401
	ShortOfFunds    = 402
	AmountChanged   = 403
	AmountParts     = 404
	AmountRange     = 405
	SameOperator    = 450

	UnknownCredential   = 406
	CredentialInactive  = 407
	CredentialOfOther   = 408
	RelativesCredential = 409
	CredentialExists    = 410
	StatusForbids       = 415
	AccountFrozen       = 416
	AlreadyFrozen       = 417
	NotFrozen           = 418
	OutsideTerritory    = 420
	CategoryNotAllowed  = 421
	AccountExists       = 422
	NoChange            = 423
	PasswordsOff        = 430
	PasswordExists      = 431
	NoPassword          = 432
	WrongPassword       = 433
	PasswordLocked      = 434

	AlreadyReversed   = 501
	WrongOriginalKind = 503
	WrongPerson       = 504
	CancelFinal       = 506

	SelfBinding           = 601
	DuplicateBinding      = 602
	AuthorizerNotEligible = 603
	EvoucherNotActive     = 604
	RelationNotAllowed    = 605
	UserNotNormal         = 606
	TooManyAuthorizers    = 608
	Locked                = 609
	NotBound              = 610
	NotAllowed            = 611
	ChannelNotAllowed     = 612
	LoginNotAllowed       = 613
	CommitmentMissing     = 614
	QuestionsMissing      = 616
	DataConsentMissing    = 617
	ApplicationMissing    = 618
	FaceMissing           = 619
	InvitationExpired     = 620
	NotPending            = 621
	WaitsForReview        = 622
	OrderIncomplete       = 624
	OrderRepeats          = 625
	SelfNotAllowed        = 626
	AllocationAmount      = 627
	AllocationTimes       = 628
	FamilyMoney           = 629
	InOtherFamily         = 615

	RunExists       = 701
	RunClosed       = 702
	RunDiffers      = 703
	AlreadyCredited = 704

	PremiumNotAllowed = 720
	PremiumSeason     = 721
	PremiumPaid       = 722
	UnknownPremium    = 723
	PremiumRefunded   = 724
	PremiumLimit      = 725
	DayClosed         = 740
	DayNotOver        = 741
	DayOpen           = 742
	AlreadyCleared    = 743
	ClearingExceeds   = 744

	VisitsOff     = 750
	VisitUnknown  = 751
	VisitPatient  = 752
	VisitClosed   = 753
	VisitLimit    = 754
	VisitsFull    = 755
	VisitSettled  = 756
	StaySettled   = 757
	BatchSettled  = 758
	LinesDiffer   = 759
	LinesLimit    = 760
	LineExists    = 761
	LineUnknown   = 762
	LineSettled   = 763
	LineReturned  = 764
	ReturnExceeds = 765
	NotAStay      = 766
	NotDischarged = 767
	VisitExists   = 768

	PolicyInPast     = 901
	PolicyVersion    = 902
	PolicyImpossible = 903
	KeyExists        = 904
	KeyDiffers       = 905
	KeyNotPast       = 906
	GenesisAgain     = 907
	Quarantined      = 990
)

var outcomeNames = map[int]string{
	Accepted: "accepted", Repeated: "repeated", Tombstoned: "tombstoned", NothingToUndo: "nothing_to_undo", VisitUndone: "visit_undone",
	IDReused: "id_reused", Blocked: "blocked",
	UnknownPerson: "unknown_person", UnknownInstitution: "unknown_institution",
	UnknownSettlement: "unknown_settlement", UnknownBinding: "unknown_binding", UnknownFamily: "unknown_family",
	UnknownRun: "unknown_run", UnknownUser: "unknown_user", NoPolicy: "no_policy", NoDayKey: "no_day_key",
	PersonExists: "person_exists", CertificateExists: "certificate_exists", NoAccount: "no_account",
	InstitutionExists: "institution_exists", LedgerFull: "ledger_full",
	WrongCredential: "wrong_credential", ShortOfFunds: "short_of_funds", AmountChanged: "amount_changed",
	AmountParts: "amount_parts", AmountRange: "amount_range",
	UnknownCredential: "unknown_credential", CredentialInactive: "credential_inactive", CredentialOfOther: "credential_of_other",
	RelativesCredential: "relatives_credential", CredentialExists: "credential_exists", StatusForbids: "status_forbids",
	AccountFrozen: "account_frozen", AlreadyFrozen: "already_frozen", NotFrozen: "not_frozen",
	OutsideTerritory: "outside_territory", CategoryNotAllowed: "category_not_allowed",
	AccountExists: "account_exists", NoChange: "no_change", PasswordsOff: "passwords_off",
	PasswordExists: "password_exists", NoPassword: "no_password", WrongPassword: "wrong_password",
	PasswordLocked:  "password_locked",
	AlreadyReversed: "already_reversed", WrongOriginalKind: "wrong_original_kind", WrongPerson: "wrong_person",
	PremiumNotAllowed: "premium_not_allowed", PremiumSeason: "premium_season", PremiumPaid: "premium_paid",
	UnknownPremium: "unknown_premium", PremiumRefunded: "premium_refunded", PremiumLimit: "premium_limit",
	DayClosed: "day_closed", DayNotOver: "day_not_over", DayOpen: "day_open", AlreadyCleared: "already_cleared",
	ClearingExceeds: "clearing_exceeds",
	CancelFinal:     "cancel_final", SameOperator: "same_operator",
	SelfBinding: "self_binding", DuplicateBinding: "duplicate_binding",
	AuthorizerNotEligible: "authorizer_not_eligible", EvoucherNotActive: "evoucher_not_active",
	RelationNotAllowed: "relation_not_allowed", UserNotNormal: "user_not_normal",
	TooManyAuthorizers: "too_many_authorizers", Locked: "locked", NotBound: "not_bound", NotAllowed: "not_allowed",
	InOtherFamily:      "in_other_family",
	ChannelNotAllowed:  "channel_not_allowed",
	LoginNotAllowed:    "login_not_allowed",
	CommitmentMissing:  "commitment_missing",
	QuestionsMissing:   "questions_missing",
	DataConsentMissing: "data_consent_missing",
	ApplicationMissing: "application_missing",
	FaceMissing:        "face_missing",
	InvitationExpired:  "invitation_expired",
	NotPending:         "not_pending",
	WaitsForReview:     "waits_for_review",
	OrderIncomplete:    "order_incomplete",
	OrderRepeats:       "order_repeats",
	SelfNotAllowed:     "self_not_allowed",
	AllocationAmount:   "allocation_amount",
	AllocationTimes:    "allocation_times",
	FamilyMoney:        "family_money",

	RunExists: "run_exists", RunClosed: "run_closed", RunDiffers: "run_differs",
	AlreadyCredited: "already_credited",
	PolicyInPast:    "policy_in_past", PolicyVersion: "policy_version", PolicyImpossible: "policy_impossible",
	KeyExists: "key_exists", KeyDiffers: "key_differs", KeyNotPast: "key_not_past", GenesisAgain: "genesis_again",
	VisitsOff: "visits_off", VisitUnknown: "visit_unknown", VisitPatient: "visit_patient", VisitClosed: "visit_closed", VisitLimit: "visit_limit", VisitsFull: "visits_full", VisitSettled: "visit_settled", StaySettled: "stay_settled", BatchSettled: "batch_settled", LinesDiffer: "lines_differ", LinesLimit: "lines_limit", LineExists: "line_exists", LineUnknown: "line_unknown", LineSettled: "line_settled", LineReturned: "line_returned", ReturnExceeds: "return_exceeds", NotAStay: "not_a_stay", NotDischarged: "not_discharged", VisitExists: "visit_exists",
	Quarantined: "quarantined",
}

// OutcomeName gives the name of s.3 for an outcome number.
func OutcomeName(outcome int) string {
	if name, ok := outcomeNames[outcome]; ok {
		return name
	}
	return fmt.Sprintf("outcome_%d", outcome)
}

// OutcomeNumbers gives every outcome number of s.3 with its name; the map is the caller's.
func OutcomeNumbers() map[int]string {
	names := map[int]string{}
	for number, name := range outcomeNames {
		names[number] = name
	}
	return names
}
