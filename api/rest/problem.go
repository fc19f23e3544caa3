package rest

import (
	"errors"

	"gongji/api"
	"gongji/api/strictjson"
	"gongji/engine/ledger"
)

// Codes of this face, beside those of package api and the names of the ledger's outcomes.
const (
	// CodeVoucher: the token is no e-voucher, not genuine, or expired (R27).
	CodeVoucher api.Code = "evoucher_invalid"
	// CodeDocument: an agent shows his own and the principal's identity document (P2).
	CodeDocument api.Code = "document_not_shown"
	// CodeWeak: a password that anybody would try first (K20: no default ever settles).
	CodeWeak api.Code = "password_weak"
	// CodeParts: the parts of a bill do not add up (R1). The ledger has the same name for what it would find.
	CodeParts api.Code = "amount_parts"
	// CodeZero: an amount that must not be 0 (R2).
	CodeZero api.Code = "amount_zero"
	// CodeTombstones: too many reversals of settlements that never came, today (R13).
	CodeTombstones api.Code = "tombstone_limit"
	// CodeSequence: totals answer at the newest sequence and at kept checkpoints only (design.md 3).
	CodeSequence api.Code = "sequence_not_kept"
	// CodeProfile: the text is no regional profile.
	CodeProfile api.Code = "profile_invalid"
	// CodeTooEarly: a profile would hold before the day that its text names.
	CodeTooEarly api.Code = "before_effective_from"
	// CodeClearing: a clearing's amount is not what its days come to (R17).
	CodeClearing api.Code = "clearing_differs"
	// CodeDayOpen: a clearing of a day that is not closed; the ledger has the same name for it.
	CodeDayOpen api.Code = "day_open"
	// CodeCopyExists: a copy of the ledger has this name.
	CodeCopyExists api.Code = "copy_exists"
)

type codeInfo struct {
	status int
	title  string
}

var ownCodes = map[api.Code]codeInfo{
	CodeVoucher:    {400, "The e-voucher is not valid"},
	CodeDocument:   {400, "An identity document was not shown"},
	CodeWeak:       {400, "The password is too simple"},
	CodeParts:      {400, "The parts of the bill do not add up"},
	CodeZero:       {400, "An amount is zero"},
	CodeTombstones: {429, "Too many reversals of settlements that were never seen"},
	CodeSequence:   {404, "Totals of this sequence are not kept"},
	CodeProfile:    {400, "The text is no regional profile"},
	CodeTooEarly:   {400, "The profile does not hold yet on that day"},
	CodeClearing:   {422, "The amount is not what these days come to"},
	CodeDayOpen:    {422, "A day is not closed yet"},
	CodeCopyExists: {409, "A copy of this name exists"},
}

const (
	titleRefused = "Refused by the ledger"
	titleUnknown = "Not known to the ledger"
	detailReused = "Take a new msgid."
)

// fault is why a request is refused before the log: its id is free. The zero fault is none.
type fault struct {
	code  api.Code
	field string
}

func (x fault) bad() bool { return x.code != "" }

func (x fault) problem() api.Problem {
	p := api.Problem{Code: x.code, Field: x.field}
	if own, ok := ownCodes[x.code]; ok {
		p.Status, p.Title = own.status, own.title
	}
	return p
}

// faultOf is what a decoder found.
func faultOf(err error) fault {
	if err == nil {
		return fault{}
	}
	var e *strictjson.Error
	if errors.As(err, &e) {
		return fault{api.Code(e.Code), e.Field}
	}
	return fault{code: api.CodeInternal}
}

func badValue(field string) fault { return fault{api.CodeBadValue, field} }

// refused is the answer to what the ledger decided against (api.md, Conventions): final, and its id is used up.
func refused(kind ledger.Kind, o ledger.Outcome) api.Problem {
	p := api.Problem{Code: api.Code(o.String()), Status: 422, Title: titleRefused, Outcome: int(o), IDUsed: api.IDUsed, Field: fieldOf(kind, o)}
	switch {
	case o == ledger.IDReused:
		p.Code, p.Status, p.Title, p.Detail = api.CodeIDReused, 0, "", detailReused
	case isUnknown(o):
		p.Status, p.Title = 404, titleUnknown
	}
	return p
}

func isUnknown(o ledger.Outcome) bool {
	return o >= ledger.UnknownPerson && o <= ledger.UnknownUser || o == ledger.UnknownPremium
}

// fieldOf names the field an outcome is about, where there is one.
func fieldOf(kind ledger.Kind, o ledger.Outcome) string {
	switch o {
	case ledger.IDReused, ledger.Blocked:
		return "msgid"
	case ledger.UnknownInstitution, ledger.InstitutionExists:
		return "fixmedins_code"
	case ledger.DayOpen:
		return "to"
	case ledger.AlreadyCleared:
		return "from"
	case ledger.ClearingExceeds:
		return "amount"
	case ledger.UnknownSettlement:
		if kind == ledger.KindReversalByMessage {
			return "original_msgid"
		}
		return "setl_id"
	case ledger.UnknownPremium:
		return "id"
	case ledger.PremiumNotAllowed:
		return "premium_type"
	case ledger.PremiumPaid, ledger.PremiumLimit:
		return "year"
	case ledger.SameOperator:
		switch kind {
		case ledger.KindFreeze:
			return "second_operator"
		case ledger.KindForcedUnbinding:
			return "second_officer"
		}
		return "reviewer"
	case ledger.UnknownUser:
		if kind == ledger.KindPremium {
			return "insured_psn_no"
		}
		return "user_certno"
	case ledger.UnknownRun, ledger.RunExists, ledger.RunClosed, ledger.RunDiffers:
		return "run_id"
	case ledger.UnknownPerson, ledger.NoAccount, ledger.WrongPerson, ledger.PersonExists:
		if kind == ledger.KindBinding {
			return "authorizer_psn_no"
		}
		if kind == ledger.KindPremium || kind == ledger.KindPremiumRefund {
			return "payer_psn_no"
		}
		return "psn_no"
	case ledger.CertificateExists:
		return "certno"
	case ledger.ChannelNotAllowed:
		return "channel"
	case ledger.LoginNotAllowed:
		return "auth"
	case ledger.ApplicationMissing:
		return "application"
	case ledger.CommitmentMissing:
		return "commitment"
	case ledger.QuestionsMissing:
		return "qa_version"
	case ledger.DataConsentMissing:
		return "data_consent_at"
	case ledger.FaceMissing:
		return "face_passed"
	case ledger.OrderIncomplete, ledger.OrderRepeats, ledger.SelfNotAllowed:
		return "order"
	case ledger.AllocationAmount:
		return "amount"
	case ledger.UnknownCredential, ledger.CredentialInactive, ledger.CredentialOfOther, ledger.CredentialExists:
		if kind == ledger.KindCredential {
			return "number"
		}
		return "mdtrt_cert_no"
	case ledger.RelativesCredential, ledger.WrongCredential:
		return "mdtrt_cert_no"
	case ledger.StatusForbids, ledger.AccountIsFrozen:
		return "psn_no"
	case ledger.CategoryNotAllowed, ledger.AccountExists:
		if kind == ledger.KindCredit {
			return "psn_no"
		}
		return "has_account"
	case ledger.AlreadyFrozen, ledger.NotFrozen, ledger.PasswordExists, ledger.NoPassword:
		return "action"
	case ledger.WrongPassword, ledger.PasswordLocked:
		return "old_password"
	case ledger.UnknownFamily:
		return "family_id"
	case ledger.AmountChanged:
		return "expected"
	case ledger.PolicyInPast:
		return "at"
	case ledger.PolicyVersion:
		return "version"
	case ledger.RelationNotAllowed:
		return "relation"
	case ledger.WrongOriginalKind:
		return "original_kind"
	case ledger.AuthorizerNotEligible, ledger.EvoucherNotActive:
		if kind == ledger.KindPremium {
			return "payer_psn_no"
		}
		return "authorizer_psn_no"
	case ledger.UserNotNormal, ledger.SelfBinding, ledger.DuplicateBinding, ledger.TooManyAuthorizers, ledger.OutsideTerritory:
		return "user_certno"
	}
	return ""
}

// appendProblemTail writes the members that problems and NDJSON verdicts share.
func appendProblemTail(a *strictjson.Appender, p *api.Problem) {
	a.String("code", string(p.Code))
	if p.Field != "" {
		a.String("field", p.Field)
	}
	if p.Outcome != 0 {
		a.Int("outcome", int64(p.Outcome))
	}
	if p.IDUsed != api.IDUnknown {
		a.Bool("id_used", p.IDUsed == api.IDUsed)
	}
}

// fail answers a problem that may belong to a repeat.
func fail(c *api.Call, p api.Problem, replayed bool) {
	c.Fail(p)
	if replayed {
		c.Replayed()
	}
}
