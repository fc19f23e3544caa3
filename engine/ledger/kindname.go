package ledger

import "strconv"

// kindNames are for operators: no caller sees them, no digest holds them.
var kindNames = [KindLast + 1]string{
	KindGenesis: "genesis", KindPolicy: "policy", KindDayKey: "day_key", KindDayKeyPublish: "day_key_publish", KindTick: "tick", KindPerson: "person",
	KindEnrolment: "enrolment", KindInstitutionAdd: "institution", KindCredit: "credit", KindRunOpen: "run_open", KindRunClose: "run_close", KindBinding: "binding",
	KindUnbinding: "unbinding", KindSettlement: "settlement", KindReversalByID: "reversal_by_id", KindReversalByMessage: "reversal_by_message", KindFamilyOpen: "family_open", KindAllocation: "allocation",
	KindClockConfirm: "clock_confirm", KindBindingConsent: "binding_consent", KindBindingReview: "binding_review", KindBindingWithdraw: "binding_withdraw", KindForcedUnbinding: "forced_unbinding", KindDebitOrder: "debit_order",
	KindFreeze: "freeze", KindPassword: "password", KindCredential: "credential", KindPremium: "premium", KindPremiumRefund: "premium_refund", KindAccountDebit: "account_debit",
	KindFamilyDissolution: "family_dissolution", KindDayClose: "day_close", KindClearing: "clearing", KindPersonChange: "person_change", KindVisitOpen: "visit_open", KindVisitCancel: "visit_cancel",
	KindVisitChange: "visit_change", KindLinesAdd: "lines_add", KindLinesRemove: "lines_remove", KindDischarge: "discharge", KindDischargeCancel: "discharge_cancel",
}

// Name names a kind for logs. It is no String: what prints kinds as numbers goes on to.
func (k Kind) Name() string {
	if k.IsKnown() {
		return kindNames[k]
	}
	return "kind_" + strconv.Itoa(int(k))
}
