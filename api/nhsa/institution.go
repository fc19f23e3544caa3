package nhsa

import (
	"bytes"

	"gongji/engine/ledger"
)

var (
	placeData = newNode("medinsinfo", "医药机构信息", 0,
		coded("fixmedins_type", 6, dictPlace, must, "定点医疗服务机构类型"), text("fixmedins_name", 200, may, "定点医药机构名称"), token("fixmedins_code", 30, may, "定点医药机构编号"))
	placeType = placeData.at("fixmedins_type")
	placeName = placeData.at("fixmedins_name")
	placeCode = placeData.at("fixmedins_code")

	placeInfo = newNode("medinsinfo", "医药机构信息", 0,
		token("fixmedins_code", 30, must, "定点医药机构编号"), text("fixmedins_name", 200, must, "定点医药机构名称"), token("uscc", 50, must, "统一社会信用代码"),
		token("fixmedins_type", 6, must, "定点医疗服务机构类型"), token("hosp_lv", 6, may, "医院等级"), extension())
)

var institutionInfo = transaction{infno: "1201", text: "医药机构信息获取", input: inputOf(inside(placeData, must)), output: []*node{placeInfo}, handle: (*face).institutionInfo}

// institutionInfo is 1201. By name alone only the caller's own institution is found: names are in no index, and a list of all would be a directory
// for everybody who calls.
func (f *face) institutionInfo(m *message) fault {
	d, _ := m.child(m.in, 0)
	code, name := m.get(d, placeCode), m.get(d, placeName)
	text := code.text
	switch {
	case !code.has && !name.has:
		return fault{code: codeMissing, where: "medinsinfo.fixmedins_code", text: "机构编号与名称至少填一项"}
	case !code.has:
		text = m.header(envCode)
	}
	missing := fault{code: codeNotFound, where: "medinsinfo.fixmedins_code"}
	p, x := f.placeOf(ledger.NewCode(text))
	if x.code == outcomeCode(ledger.UnknownInstitution) {
		return missing
	}
	if x.bad() {
		return x
	}
	r, known, err := f.engine.Institution(p.number)
	if err != nil || !known {
		return fault{code: codeUnavailable}
	}
	if !code.has && !bytes.Contains(r.Name, name.text) {
		missing.where, missing.text = "medinsinfo.fixmedins_name", "仅能按名称查询本机构，请填机构编号"
		return missing
	}
	if m.get(d, placeType).text[0]-'0' != p.kind {
		missing.where = "medinsinfo.fixmedins_type"
		return missing
	}
	o := &m.out
	o.begin("medinsinfo")
	o.text("fixmedins_code", text)
	o.text("fixmedins_name", r.Name)
	o.blank("uscc") // not in the ledger
	o.str("fixmedins_type", string('0'+rune(p.kind)))
	o.code2("hosp_lv", p.level)
	o.blank("exp_content")
	o.end()
	return fault{}
}
