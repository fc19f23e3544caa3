package nhsa

import (
	"errors"
	"strconv"
	"unicode/utf8"

	"gongji/engine/ledger"
	"gongji/engine/sequencer"
)

// code is the stable name at the beginning of err_msg. Those of /v1 have the same names there.
type code string

const (
	codeMalformed    code = "malformed"
	codeMissing      code = "missing_field"
	codeDuplicate    code = "duplicate_field"
	codeWrongType    code = "wrong_type"
	codeTooLong      code = "too_long"
	codeBadUTF8      code = "bad_utf8"
	codeTooDeep      code = "too_deep"
	codeTooMany      code = "too_many"
	codeTrailing     code = "trailing_data"
	codeBadValue     code = "bad_value"
	codeNumber       code = "amount_malformed"
	codeDecimals     code = "amount_decimals"
	codeNegative     code = "amount_negative"
	codeTooLarge     code = "amount_too_large"
	codeZero         code = "amount_zero"
	codeParts        code = "amount_parts"
	codeProduct      code = "amount_product"
	codeNoLines      code = "no_lines"
	codeVoucher      code = "evoucher_invalid"
	codeInfno        code = "wrong_infno"
	codeNotSupported code = "not_supported"
	codeNotFound     code = "not_found"
	codeNotYours     code = "wrong_institution"
	codeSignNo       code = "sign_no"
	codeTombstones   code = "tombstone_limit"
	codeLimited      code = "rate_limited"
	codeBusy         code = "overloaded"
	codeStopping     code = "stopping"
	codeUnavailable  code = "unavailable"
	codeFund         code = "fund_unavailable"
	codeUnknown      code = "outcome_unknown"
	codeColumns      code = "wrong_columns"
	codeZip          code = "bad_zip"
	codeZipSize      code = "zip_too_large"
	codeNotInsured   code = "insutype_not_enrolled"
	codeTime         code = "wrong_time"
	codeRepeated     code = "line_repeated"
)

// texts are what a cashier reads behind the code and the field: what is wrong and what to do. %d is the limit.
var texts = map[code]string{
	codeMalformed:    "报文不是合法的JSON",
	codeMissing:      "必填项缺失或为空",
	codeDuplicate:    "同一项出现两次",
	codeWrongType:    "数据类型不符",
	codeTooLong:      "内容超过规定长度",
	codeBadUTF8:      "不是UTF-8编码或含有控制字符",
	codeTooDeep:      "报文嵌套层次过多",
	codeTooMany:      "行数超过上限",
	codeTrailing:     "报文结尾有多余内容",
	codeBadValue:     "取值不符合规定",
	codeNumber:       "不是规范的数值",
	codeDecimals:     "小数位数超过规定",
	codeNegative:     "不能为负数",
	codeTooLarge:     "数值超过上限",
	codeZero:         "金额不能为零",
	codeParts:        "各项金额之和与总额不符",
	codeProduct:      "单价乘数量与明细金额相差超过0.01元",
	codeNoLines:      "没有可结算的费用明细，请先上传明细",
	codeVoucher:      "医保电子凭证无效或已过期，请重新展码",
	codeInfno:        "交易编号与请求地址不符",
	codeNotSupported: "暂不支持该交易",
	codeNotFound:     "未查到对应信息，请核对",
	codeNotYours:     "该报文属于其他定点医药机构，不能处理",
	codeSignNo:       "签到编号无效或已签退，请重新签到",
	codeTombstones:   "当日冲正未到达交易的次数过多，请稍后再试",
	codeLimited:      "请求过于频繁，请稍后再试",
	codeBusy:         "系统繁忙，本次未处理，请稍后重试",
	codeStopping:     "系统正在重启，本次未处理，请稍后重试",
	codeUnavailable:  "系统暂不可用，本次未处理，请稍后重试",
	codeFund:         "统筹基金计算服务无应答，本次未结算，请稍后重试",
	codeColumns:      "列数不符，应为7列，或含exp_content共8列，以TAB分隔",
	codeZip:          "不是规范的ZIP文件，须仅含一个TXT文件",
	codeZipSize:      "ZIP解压后过大或压缩比异常",
	codeNotInsured:   "参保人未参加该险种，基金不能支付，请按1101返回的险种填写",
	codeTime:         "时间不合理，请核对",
	codeRepeated:     "该流水号在本次报文中重复",
	codeUnknown:      "交易结果未知，请用原报文ID重发或发起冲正（2601）",
}

// outcomeTexts are the ledger's refusals for a cashier: all that the ledger can answer, also what no transaction can meet today.
var outcomeTexts = map[ledger.Outcome]string{
	ledger.IDReused:              "报文ID已被其他内容的交易使用，请更换新的msgid后重新发送",
	ledger.Blocked:               "该报文ID已被冲正，原交易不再受理，请更换新的msgid",
	ledger.UnknownPerson:         "未查到该参保人，请核对人员编号",
	ledger.UnknownInstitution:    "未查到该定点医药机构，请核对机构编号",
	ledger.UnknownSettlement:     "未查到本机构的该笔结算，请核对结算ID",
	ledger.UnknownBinding:        "未查到该共济关系",
	ledger.UnknownFamily:         "未查到该家庭账户",
	ledger.UnknownRun:            "未查到该入账批次",
	ledger.UnknownUser:           "未查到被共济人",
	ledger.NoPolicy:              "本地区医保政策尚未生效，请联系医保经办机构",
	ledger.NoDayKey:              "系统当日准备未完成，请联系医保经办机构",
	ledger.PersonExists:          "该人员已存在",
	ledger.CertificateExists:     "该证件已登记",
	ledger.NoAccount:             "该参保人没有个人账户",
	ledger.InstitutionExists:     "该机构已登记",
	ledger.LedgerFull:            "系统容量已满，请联系医保经办机构",
	ledger.WrongCredential:       "就诊凭证不是该参保人本人的，请出示患者本人凭证",
	ledger.ShortOfFunds:          "账户余额不足",
	ledger.AmountChanged:         "结算金额与预结算不一致，请重新预结算",
	ledger.AmountParts:           "各项费用之和与医疗费总额不符",
	ledger.AmountRange:           "金额超出允许范围",
	ledger.UnknownCredential:     "未查到该就诊凭证，请核对凭证编号",
	ledger.CredentialInactive:    "就诊凭证已挂失、注销或未激活，请更换凭证",
	ledger.CredentialOfOther:     "该凭证已登记在他人名下",
	ledger.RelativesCredential:   "出示的是家属的凭证；共济只共享资金，请出示患者本人凭证",
	ledger.CredentialExists:      "该凭证已是此状态",
	ledger.StatusForbids:         "该参保人当前参保状态不能办理此业务",
	ledger.AccountIsFrozen:       "个人账户已冻结，请联系医保经办机构",
	ledger.AlreadyFrozen:         "账户已处于冻结状态",
	ledger.NotFrozen:             "账户未被冻结",
	ledger.OutsideTerritory:      "双方参保地不在共济范围内",
	ledger.CategoryNotAllowed:    "该人员类别不能开立个人账户或入账",
	ledger.AccountExists:         "个人账户已存在",
	ledger.NoChange:              "内容没有变化",
	ledger.PasswordsOff:          "本地区不使用共济密码",
	ledger.PasswordExists:        "共济密码已设置",
	ledger.NoPassword:            "尚未设置共济密码",
	ledger.WrongPassword:         "共济密码错误",
	ledger.PasswordLocked:        "共济密码错误次数过多，已锁定",
	ledger.SameOperator:          "须由两名不同的经办人办理",
	ledger.AlreadyReversed:       "该笔交易已撤销或已冲正，不需重复办理",
	ledger.WrongOriginalKind:     "原交易编号与原交易不符，请核对oinfno",
	ledger.WrongPerson:           "人员编号与原交易不符，请核对",
	ledger.CancelFinal:           "结算撤销不能再冲正，如需结算请重新发起",
	ledger.SelfBinding:           "不能与本人建立共济关系",
	ledger.DuplicateBinding:      "共济关系已存在",
	ledger.AuthorizerNotEligible: "授权人不符合共济条件",
	ledger.EvoucherNotActive:     "授权人未激活医保电子凭证",
	ledger.RelationNotAllowed:    "该亲属关系不在共济范围内",
	ledger.UserNotNormal:         "被共济人参保状态不正常",
	ledger.TooManyAuthorizers:    "授权人数已达上限",
	ledger.Locked:                "共济关系未满规定期限，暂不能解除",
	ledger.NotBound:              "没有有效的共济关系",
	ledger.NotAllowed:            "本地区政策不允许此操作",
	ledger.ChannelNotAllowed:     "该渠道不能办理此业务",
	ledger.LoginNotAllowed:       "该登录方式不能办理此业务",
	ledger.CommitmentMissing:     "未签署承诺书",
	ledger.InOtherFamily:         "已加入其他家庭",
	ledger.QuestionsMissing:      "未阅读问答说明",
	ledger.DataConsentMissing:    "未同意个人信息使用",
	ledger.ApplicationMissing:    "缺少窗口申请材料",
	ledger.FaceMissing:           "未完成人脸识别",
	ledger.InvitationExpired:     "邀请已过期",
	ledger.NotPending:            "该申请不在待处理状态",
	ledger.WaitsForReview:        "已提交，等待经办机构审核",
	ledger.OrderIncomplete:       "扣款顺序未包含全部授权人",
	ledger.OrderRepeats:          "扣款顺序中有重复项",
	ledger.SelfNotAllowed:        "本地区不能调整本人账户的扣款顺序",
	ledger.AllocationAmount:      "划拨金额超过上限",
	ledger.AllocationTimes:       "本年度划拨次数已用完",
	ledger.FamilyMoney:           "家庭账户尚有余额，不能更换政策",
	ledger.RunExists:             "入账批次已存在",
	ledger.RunClosed:             "入账批次已结束",
	ledger.RunDiffers:            "入账批次笔数或金额不符",
	ledger.AlreadyCredited:       "该期已入账",
	ledger.PremiumNotAllowed:     "本地区不支持代缴该类保费",
	ledger.PremiumSeason:         "不在集中缴费期内",
	ledger.PremiumPaid:           "该年度保费已缴",
	ledger.UnknownPremium:        "未查到该笔代缴保费",
	ledger.PremiumRefunded:       "该笔保费已退",
	ledger.PremiumLimit:          "该年度保费退缴次数已达上限",
	ledger.VisitsOff:             "本地区未开通就诊与明细上传",
	ledger.VisitUnknown:          "未查到本机构的该次就诊，请核对就诊ID",
	ledger.VisitPatient:          "该次就诊不是此参保人的，请核对人员编号",
	ledger.VisitClosed:           "该次就诊已撤销、已过期或已出院，不能办理此业务",
	ledger.VisitLimit:            "该参保人在本机构未结的就诊过多，请先撤销或结算",
	ledger.VisitsFull:            "系统就诊容量已满，请联系医保经办机构",
	ledger.VisitSettled:          "该次就诊已有结算，请先撤销结算",
	ledger.StaySettled:           "该次住院已出院结算，请先撤销结算",
	ledger.BatchSettled:          "该收费批次已结算，不能重复结算或增删明细",
	ledger.LinesDiffer:           "费用明细刚有变动，请重新预结算后用新的msgid结算",
	ledger.LinesLimit:            "该次就诊的费用明细已达上限",
	ledger.LineExists:            "该流水号已用于内容不同的费用明细",
	ledger.LineUnknown:           "未查到该费用明细或收费批次",
	ledger.LineSettled:           "该费用明细已结算，请先撤销结算",
	ledger.LineReturned:          "该费用明细已有退费，请先撤销退费明细",
	ledger.ReturnExceeds:         "累计退费超过原费用明细",
	ledger.NotAStay:              "该次就诊不是住院",
	ledger.NotDischarged:         "该次住院未办理出院",
	ledger.VisitExists:           "该患者在本机构已有此号码的就诊且未结算，请以5201查询并沿用其就诊ID，或先撤销",
	ledger.PolicyInPast:          "政策生效时间已过",
	ledger.PolicyVersion:         "政策版本号须递增",
	ledger.PolicyImpossible:      "政策参数不成立",
	ledger.KeyExists:             "当日密钥已存在",
	ledger.KeyDiffers:            "当日密钥不符",
	ledger.KeyNotPast:            "当日密钥未到公布时间",
	ledger.GenesisAgain:          "账本已初始化",
	ledger.DayClosed:             "该日已日结",
	ledger.DayNotOver:            "该日未到日结时间",
	ledger.DayOpen:               "清算期间内有未日结的日期",
	ledger.AlreadyCleared:        "该期间已清算",
	ledger.ClearingExceeds:       "清算金额超过应付金额",
	ledger.Quarantined:           "该笔业务已被隔离，请联系医保经办机构",
}

// errMsgMax is the length of err_msg in characters (nhsa-interface.md 1.3).
const errMsgMax = 200

// fault is why a message is refused: it becomes infcode -1. where and label are names of ours, never a value of the message.
type fault struct {
	code     code
	where    string // node and field
	label    string // 中文名 of the field
	text     string // instead of the code's
	limit    int    // a length or number of rows to tell
	status   int    // of HTTP, of a transport error: the message was not looked at
	unknown  bool   // nobody knows what became of it: a transport error
	replayed bool   // the first answer of a repeat
}

func (x *fault) bad() bool { return x.code != "" }

// appendText writes err_msg: "[code] node.field 中文名：text", at most errMsgMax characters.
func (x *fault) appendText(dst []byte) []byte {
	start := len(dst)
	dst = append(append(append(dst, '['), x.code...), "] "...)
	if x.where != "" {
		dst = append(dst, x.where...)
		if x.label != "" {
			dst = append(append(dst, ' '), x.label...)
		}
		dst = append(dst, "："...)
	}
	s := x.text
	if s == "" {
		s = texts[x.code]
	}
	dst = append(dst, s...)
	if x.limit > 0 && (x.code == codeTooLong || x.code == codeTooMany) {
		dst = strconv.AppendInt(append(dst, "，最多"...), int64(x.limit), 10)
	}
	for utf8.RuneCount(dst[start:]) > errMsgMax {
		_, n := utf8.DecodeLastRune(dst)
		dst = dst[:len(dst)-n]
	}
	return dst
}

func badValue(where string) fault { return fault{code: codeBadValue, where: where} }

// refused is the fault of an outcome.
func refused(o ledger.Outcome) fault { return fault{code: outcomeCode(o), text: outcomeTexts[o]} }

func outcomeCode(o ledger.Outcome) code { return code(o.String()) }

// notAdmitted is what a refusal before the log becomes: nothing was decided, the message id is free.
func notAdmitted(err error) fault {
	switch {
	case errors.Is(err, sequencer.ErrBusy):
		return fault{code: codeBusy}
	case errors.Is(err, sequencer.ErrStopping):
		return fault{code: codeStopping}
	}
	return fault{code: codeUnavailable} // sequencer.ErrClock, engine.ErrStalled, engine.ErrFailed, engine.ErrDeadline of a question
}

func unknownOutcome() fault { return fault{code: codeUnknown, unknown: true} }
