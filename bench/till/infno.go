package till

// Numbers of the transactions that a till sends (nhsa-interface.md 1.8).
const (
	infSignIn  = "9001"
	infSignOut = "9002"
	infPerson  = "1101"
	infBenefit = "2001"

	infPurchasePreview = "2101"
	infPurchase        = "2102"
	infPurchaseCancel  = "2103"

	infRegister         = "2201"
	infRegisterCancel   = "2202"
	infDiagnosis        = "2203"
	infLines            = "2204"
	infLinesCancel      = "2205"
	infOutpatientSettle = "2207"
	infOutpatientTrial  = "2206"
	infOutpatientCancel = "2208"

	infStayLines       = "2301"
	infStayLinesCancel = "2302"
	infStayTrial       = "2303"
	infStaySettle      = "2304"
	infStayCancel      = "2305"
	infAdmit           = "2401"
	infDischarge       = "2402"
	infAdmitCancel     = "2404"
	infDischargeCancel = "2405"

	infReverse  = "2601"
	infTotals   = "3201"
	infDetails  = "3202"
	infQuery    = "5203"
	infUpload   = "9101"
	infDownload = "9102"
)

var infnoNames = map[string]string{
	infSignIn: "签到", infSignOut: "签退", infPerson: "人员信息获取", infBenefit: "人员待遇享受检查",
	infPurchasePreview: "药店预结算", infPurchase: "药店结算", infPurchaseCancel: "药店结算撤销",
	infRegister: "门诊挂号", infRegisterCancel: "门诊挂号撤销", infDiagnosis: "门诊就诊信息上传", infLines: "门诊费用明细上传", infLinesCancel: "门诊费用明细撤销",
	infOutpatientTrial: "门诊预结算", infOutpatientSettle: "门诊结算", infOutpatientCancel: "门诊结算撤销",
	infStayLines: "住院费用明细上传", infStayLinesCancel: "住院费用明细撤销", infStayTrial: "住院预结算", infStaySettle: "住院结算", infStayCancel: "住院结算撤销",
	infAdmit: "入院办理", infDischarge: "出院办理", infAdmitCancel: "入院撤销", infDischargeCancel: "出院撤销",
	infReverse: "冲正交易", infTotals: "对总账", infDetails: "对明细账", infQuery: "结算信息查询", infUpload: "文件上传", infDownload: "文件下载",
}

// after is what a till does when it cannot learn what became of a message (nhsa-interface.md 1.12).
type after uint8

const (
	// ask anew: a question; nothing was changed, so it is asked again under a new msgid.
	askAnew after = iota
	// sendSame: a record that the same message makes again (R10: same id and content, first answer); 2601 does not cover these.
	sendSame
	// undo: never sent again. 2601, and only then a new msgid.
	undo
	// undoCancel: 2601 too, but whether it took back the cancel, blocked it or came too late (R11) only 5203 tells.
	undoCancel
)

var afterUnknown = map[string]after{
	infPurchase: undo, infOutpatientSettle: undo, infStaySettle: undo, infAdmit: undo,
	infPurchaseCancel: undoCancel, infOutpatientCancel: undoCancel, infStayCancel: undoCancel,
	infRegister: sendSame, infRegisterCancel: sendSame, infDiagnosis: sendSame, infLines: sendSame, infLinesCancel: sendSame,
	infStayLines: sendSame, infStayLinesCancel: sendSame, infDischarge: sendSame, infAdmitCancel: sendSame, infDischargeCancel: sendSame,
	infReverse: sendSame,
}
