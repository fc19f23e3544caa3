package policy

import "gongji/engine/ledger"

// Knob says of one knob what a reader must know. Label is for people of a bureau.
type Knob struct {
	Name  string
	Label string
	Rules string // numbers in domain-rules.md and decisions.md
	Unit  string
	About string
}

// field is a knob of T with its form and its place.
type field[T any] struct {
	Knob
	form
	at func(*T) any // *string, *bool, *int64 or *[]string
}

// kind is the sort of value a knob has.
type kind uint8

const (
	aBool kind = iota
	anInt
	aWord     // one of words
	aSet      // some of words
	aText     // that matches pattern
	aTextList // of texts that match pattern
	aDate     // 2006-01-02, unquoted
	anAmount  // "1.00" yuan
)

// form says which values a knob takes.
type form struct {
	kind     kind
	min, max int64 // of anInt
	least    int   // values of a list
	none     bool  // "none" is a value too
	words    []string
	pattern  *pattern
}

var (
	onOff         = form{kind: aBool}
	dateForm      = form{kind: aDate}
	amountForm    = form{kind: anAmount, none: true}
	nameForm      = form{kind: aText, pattern: namePattern}
	titleForm     = form{kind: aText, pattern: titlePattern}
	monthDayForm  = form{kind: aText, pattern: monthDayPattern, none: true}
	versionForm   = form{kind: aText, pattern: versionPattern, none: true}
	letterForm    = form{kind: aText, pattern: titlePattern, none: true}
	provinceForm  = form{kind: aText, pattern: provincePattern}
	provincesForm = form{kind: aTextList, pattern: provincePattern}
	codesForm     = form{kind: aTextList, pattern: codePattern}
	codeForm      = form{kind: aText, pattern: codePattern}
	titlesForm    = form{kind: aTextList, pattern: titlePattern}
)

func integer(min, max int64) form                      { return form{kind: anInt, min: min, max: max} }
func integerOrNone(min, max int64) form                { return form{kind: anInt, min: min, max: max, none: true} }
func word(words ...string) form                        { return form{kind: aWord, words: words} }
func set(least int, words []string) form               { return form{kind: aSet, least: least, words: words} }
func knob(name, label, rules, unit, about string) Knob { return Knob{name, label, rules, unit, about} }

// profileFields are the knobs of a file in the order of its canonical text. A file has each exactly once.
var profileFields = []field[Profile]{
	{knob("name", "名称", "design 6", "", "which profile this is; its versions ascend"), nameForm, func(p *Profile) any { return &p.Name }},
	{knob("title", "标题", "design 6", "", "for people"), titleForm, func(p *Profile) any { return &p.Title }},
	{knob("version", "版本", "design 6", "", "never edited in place: a change is a new version"), integer(1, 1<<32-1), func(p *Profile) any { return &p.Version }},
	{knob("effective_from", "生效日期", "design 6", "day at +08:00", "the day from which this text holds; every knob of it holds from that day"), dateForm, func(p *Profile) any { return &p.EffectiveFrom }},
	{knob("province", "省份", "A2 A3 K14", "first two digits of areas", "home province; 00: any one"), provinceForm, func(p *Profile) any { return &p.Province }},

	{knob("source_strategy", "扣款方式", "K2 D1-D6", "", "where money comes from after the own account"), word(strategyNames...), func(p *Profile) any { return &p.SourceStrategy }},
	{knob("self_first", "先用本人账户", "K3 D5 D7", "", "the patient's own account pays first, else last"), onOff, func(p *Profile) any { return &p.SelfFirst }},
	{knob("flag_1_own_only", "标志1仅用本人账户", "R6", "", "acct_used_flag 1 keeps relatives out (Hunan's reading)"), onOff, func(p *Profile) any { return &p.Flag1OwnOnly }},
	{knob("payable_parts", "可支付费用", "K12 R1 M2 N5", "", "parts of a bill that accounts may pay"), set(1, partNames), func(p *Profile) any { return &p.PayableParts }},
	{knob("payable_places", "可支付场所", "K11 M3-M5", "", "where accounts may pay"), set(1, placeNames), func(p *Profile) any { return &p.PayablePlaces }},
	{knob("fund_sum_includes_acct", "基金总额含个账", "R1", "", "fund_pay_sumamt of the national answer contains account money"), onOff, func(p *Profile) any { return &p.FundSumIncludesAcct }},
	{knob("reversible", "可冲正交易", "R11", "", "what 2601 may undo after it was executed"), set(1, reversalNames), func(p *Profile) any { return &p.Reversible }},
	{knob("day_close_minutes_after", "日终时间", "R15", "minutes after the day's end", "when a business day closes; 1440 is next day 24:00"), integer(0, ledger.DayCloseMax), func(p *Profile) any { return &p.DayCloseMinutesAfter }},

	{knob("allowed_relations", "可绑定亲属", "K1 B1-B3", "", "of the user to the authorizer"), set(1, relationNames), func(p *Profile) any { return &p.AllowedRelations }},
	{knob("max_authorizers_per_user", "使用人的授权人上限", "K4 A8", "persons", "bindings one user may have; none: 32"), integerOrNone(1, ledger.RelativesMax), func(p *Profile) any { return &p.MaxAuthorizersPerUser }},
	{knob("max_families_per_person", "每人家庭数上限", "K4 L1", "families", "of which a person may be at a time"), integerOrNone(1, ledger.RelativesMax), func(p *Profile) any { return &p.MaxFamiliesPerPerson }},
	{knob("min_bind_months", "最短绑定期", "K5 U2", "calendar months", "before which nobody may unbind"), integer(0, ledger.BindMonthsMax), func(p *Profile) any { return &p.MinBindMonths }},
	{knob("user_status_required", "使用人参保状态", "K16 A6 B5 B6", "", "at binding"), word("normal", "enrolled"), func(p *Profile) any { return &p.UserStatusRequired }},
	{knob("account_bearing_categories", "有个人账户的人员", "K15 B11 R7", "", "for whom an account is opened and credited"), set(1, categoryNames), func(p *Profile) any { return &p.AccountBearingCategories }},
	{knob("territory", "地域范围", "K14 A2 B6-B8", "", "where authorizer and user must both be insured"), word(territoryNames...), func(p *Profile) any { return &p.Territory }},
	{knob("agreed_provinces", "跨省协议省份", "K14", "first two digits of areas", "the other provinces of cross_province"), provincesForm, func(p *Profile) any { return &p.AgreedProvinces }},
	{knob("user_may_unbind", "使用人可解绑", "R21 U5", "", "else only the authorizer and the bureau"), onOff, func(p *Profile) any { return &p.UserMayUnbind }},

	{knob("user_consent_required", "须使用人同意", "K10 C10 C11", "", "he is invited and accepts"), onOff, func(p *Profile) any { return &p.UserConsentRequired }},
	{knob("consent_expiry_days", "邀请有效期", "K10 R20", "days", "after which an invitation expires"), integerOrNone(1, ledger.ConsentDaysMax), func(p *Profile) any { return &p.ConsentExpiryDays }},
	{knob("face_required_from_age", "人脸识别年龄", "K9 L2 L3", "whole years", "at which the user's face step begins"), integerOrNone(1, ledger.AgeMax-1), func(p *Profile) any { return &p.FaceRequiredFromAge }},
	{knob("face_age_inclusive", "人脸年龄含本数", "L4", "", "that very age needs the step too"), onOff, func(p *Profile) any { return &p.FaceAgeInclusive }},
	{knob("commitment_template", "承诺书", "K18 C7-C9 F5", "", "the letter signed at binding"), letterForm, func(p *Profile) any { return &p.CommitmentTemplate }},
	{knob("commitment_version", "承诺书版本", "K18", "", "of that letter"), versionForm, func(p *Profile) any { return &p.CommitmentVersion }},
	{knob("commitment_each_time", "每次签承诺书", "K18 C9", "", "else at the first binding only"), onOff, func(p *Profile) any { return &p.CommitmentEachTime }},
	{knob("qa_version", "问答版本", "C9 R20", "", "questions and answers read at the first binding"), versionForm, func(p *Profile) any { return &p.QAVersion }},
	{knob("data_consent_required", "须授权用数据", "C2 F6", "", "consent to the use of e-voucher data"), onOff, func(p *Profile) any { return &p.DataConsentRequired }},
	{knob("phone_required", "手机号必填", "K7 F3", "", "the user's"), onOff, func(p *Profile) any { return &p.PhoneRequired }},
	{knob("cert_type_input", "证件类型", "K8 F1", "", "must the caller name it"), word("optional", "required"), func(p *Profile) any { return &p.CertTypeInput }},
	{knob("cert_type_default", "默认证件类型", "K8 F1", "psn_cert_type", "if he does not"), codeForm, func(p *Profile) any { return &p.CertTypeDefault }},
	{knob("offline_review", "窗口须审核", "K19 G3", "", "an application at a counter waits for its review"), onOff, func(p *Profile) any { return &p.OfflineReview }},

	{knob("account_password", "账户密码", "K20 R23 L5 L6", "", "force_change: a default never settles"), word("none", "force_change"), func(p *Profile) any { return &p.AccountPassword }},
	{knob("password_tries", "密码尝试次数", "R23 K20", "tries", "before it is locked"), integerOrNone(1, ledger.TriesMax), func(p *Profile) any { return &p.PasswordTries }},
	{knob("password_lock_minutes", "密码锁定时间", "R23 K20", "minutes", ""), integerOrNone(1, ledger.LockMinutesMax), func(p *Profile) any { return &p.PasswordLockMinutes }},

	{knob("premium_allowed", "可缴保费", "K13 M6 M7 R25", "", "premiums of relatives"), onOff, func(p *Profile) any { return &p.PremiumAllowed }},
	{knob("premium_types", "保费种类", "K13 M6 M7", "", ""), set(0, premiumNames), func(p *Profile) any { return &p.PremiumTypes }},
	{knob("premium_season_from", "缴费期开始", "K13 R25", "MM-DD", "first day; none: the whole year"), monthDayForm, func(p *Profile) any { return &p.PremiumSeasonFrom }},
	{knob("premium_season_until", "缴费期结束", "K13 R25", "MM-DD", "last day; may lie in the next year"), monthDayForm, func(p *Profile) any { return &p.PremiumSeasonUntil }},

	{knob("alloc_max_amount", "单次划拨上限", "K21 N3", "yuan", "of one allocation"), amountForm, func(p *Profile) any { return &p.AllocMaxAmount }},
	{knob("alloc_max_times", "划拨次数上限", "K21 N3", "a calendar year", "of one family"), integerOrNone(1, 1<<32-1), func(p *Profile) any { return &p.AllocMaxTimes }},
	{knob("creator_paused_money_usable", "创建人停保后可用", "R24", "", "money already allocated stays usable"), onOff, func(p *Profile) any { return &p.CreatorPausedMoneyUsable }},

	{knob("registration_open_days", "门诊登记有效期", "R29", "days", "an outpatient registration takes fee lines and settlements, its first day included; none: no visits are taken"), integerOrNone(1, ledger.RegistrationDaysMax), func(p *Profile) any { return &p.RegistrationOpenDays }},
	{knob("registration_keep_days", "门诊明细保留期", "R29", "days", "a registration and its lines are held after it expired: so long a cancelled settlement gives them back"), integerOrNone(1, ledger.VisitKeepMax), func(p *Profile) any { return &p.RegistrationKeepDays }},
	{knob("stay_keep_days", "住院明细保留期", "R27 R29", "days", "a stay and its lines are held after its discharge, to be settled or settled again"), integerOrNone(1, ledger.VisitKeepMax), func(p *Profile) any { return &p.StayKeepDays }},
	{knob("max_open_visits", "未结就诊上限", "R29", "visits", "of a person, open at one institution"), integerOrNone(1, ledger.OpenVisitsMax), func(p *Profile) any { return &p.MaxOpenVisits }},
	{knob("max_lines_per_visit", "单次就诊明细上限", "R29", "fee lines", "of a visit"), integerOrNone(1, ledger.VisitLinesMax), func(p *Profile) any { return &p.MaxLinesPerVisit }},
	{knob("max_visit_rows", "就诊与明细总上限", "R29", "visits and fee lines", "held at a time, 100 bytes of memory each"), integerOrNone(1, ledger.VisitRowsMax), func(p *Profile) any { return &p.MaxVisitRows }},

	{knob("clr_type_default", "默认清算类别", "R16", "clr_type", "of a bill that no row fits"), codeForm, func(p *Profile) any { return &p.ClrTypeDefault }},
}

// channelFields are the knobs of a [[channel]].
var channelFields = []field[Channel]{
	{knob("name", "渠道", "K22", "", "a code of domain-rules.md 15"), word(ChannelNames[:]...), func(c *Channel) any { return &c.Name }},
	{knob("title", "渠道名称", "K22", "", "for people"), titleForm, func(c *Channel) any { return &c.Title }},
	{knob("aliases", "别名", "K17", "", "other names it has or had"), titlesForm, func(c *Channel) any { return &c.Aliases }},
	{knob("kind", "渠道类别", "K22 G1", "", "at a counter there is an application"), word(kindNames...), func(c *Channel) any { return &c.Kind }},
	{knob("login", "登录方式", "C4 C5 G3", "", "how people say who they are"), set(1, LoginNames[:]), func(c *Channel) any { return &c.Login }},
	{knob("require_evoucher_active", "须激活电子凭证", "K6 A4", "", "of the authorizer"), onOff, func(c *Channel) any { return &c.RequireEvoucherActive }},
}

// clrFields are the columns of a [[clr_type]]: an empty list fits every bill.
var clrFields = []field[ClrRule]{
	{knob("code", "清算类别", "R16", "clr_type", "the first row that fits counts"), codeForm, func(r *ClrRule) any { return &r.Code }},
	{knob("med_type", "医疗类别", "R16", "med_type", ""), codesForm, func(r *ClrRule) any { return &r.MedType }},
	{knob("fixmedins_type", "机构类别", "R16", "fixmedins_type", ""), codesForm, func(r *ClrRule) any { return &r.FixmedinsType }},
	{knob("insutype", "险种", "R16", "insutype", ""), codesForm, func(r *ClrRule) any { return &r.Insutype }},
}

// The names of the tables.
const (
	channelTable = "channel"
	clrTable     = "clr_type"
)
