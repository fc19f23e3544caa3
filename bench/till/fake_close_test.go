package till

import (
	"fmt"
	"strings"
)

// rows of a statement as the centre has them: setl_id, flag, msgid, psn and signed amounts.
type centreRow struct {
	setl, flag, msgid, psn, mdtrt string
	medfee, acct, cash            int64
}

func (c *centre) rows(clr, insutype, area string) (out []centreRow) {
	for _, d := range c.deals {
		if d.void || d.clr != clr || d.who.insutype != insutype && insutype != "" || d.who.area != area {
			continue
		}
		out = append(out, centreRow{d.setl, "0", d.msgid, d.who.psn, d.mdtrt, d.medfee, d.acct, d.cash})
		if d.cancelled {
			out = append(out, centreRow{d.setl, "1", d.cancelMsgid, d.who.psn, d.mdtrt, -d.medfee, -d.acct, -d.cash})
		}
	}
	return out
}

func (c *centre) totals(data map[string]any) any {
	rows := c.rows(str(data, "clr_type"), str(data, "insutype"), str(data, "setl_optins"))
	medfee, acct := int64(0), c.twisted
	for _, r := range rows {
		medfee, acct = medfee+r.medfee, acct+r.acct
	}
	result := c.zero
	if medfee != fenOf(str(data, "medfee_sumamt")) || acct != fenOf(str(data, "acct_pay")) || str(data, "fixmedins_setl_cnt") != fmt.Sprint(len(rows)) ||
		fenOf(str(data, "fund_pay_sumamt")) != 0 {
		result = "1"
	}
	return map[string]any{"stmtinfo": map[string]any{"setl_optins": str(data, "setl_optins"), "stmt_rslt": result, "stmt_rslt_dscr": "对账完成"}}
}

// details answers every row of both sides.
func (c *centre) details(data map[string]any) any {
	theirs := map[string]string{}
	text, err := unzipOne(c.files[str(data, "file_qury_no")])
	if err != nil {
		return refusal("[bad_file] " + err.Error())
	}
	for line := range strings.Lines(text) {
		item := strings.Split(strings.TrimSuffix(line, "\n"), "\t")
		if len(item) != 7 {
			return refusal("[bad_file] 列数不符")
		}
		theirs[item[0]+"/"+item[6]] = line
	}
	var out strings.Builder
	for _, r := range c.rows(str(data, "clr_type"), str(data, "insutype"), str(data, "setl_optins")) {
		result, key := c.zero, r.setl+"/"+r.flag
		want := strings.Join([]string{r.setl, r.mdtrt, r.psn, yuanOf(r.medfee), "0.00", yuanOf(r.acct), r.flag}, "\t") + "\n"
		if theirs[key] != want {
			result = "1"
		}
		delete(theirs, key)
		fmt.Fprintf(&out, "%s\t%s\t%s\t%s\t%s\t%s\tnull\t%s\t0.00\t%s\n", r.psn, r.mdtrt, r.setl, r.msgid, result, r.flag, yuanOf(r.medfee), yuanOf(r.acct))
	}
	for key, line := range theirs {
		item := strings.Split(line, "\t")
		setl, flag, _ := strings.Cut(key, "/")
		fmt.Fprintf(&out, "%s\t%s\t%s\tnull\t1\t%s\t中心无此记录\tnull\tnull\tnull\n", item[2], item[1], setl, flag)
	}
	c.serial++
	no := fmt.Sprint("F", c.serial)
	c.files[no] = zipOne("result.txt", out.String())
	return map[string]any{"fileinfo": map[string]any{"file_qury_no": no, "filename": "result.zip", "dld_endtime": today() + " 23:59:59"}}
}
