package till

import "fmt"

// visit keeps visits and their lines.
func (c *centre) visit(infno string, input, data map[string]any) any {
	at := func(m map[string]any) *visitAt {
		if v := c.visits[str(m, "mdtrt_id")]; v != nil && !v.gone && v.who.psn == str(m, "psn_no") {
			return v
		}
		return nil
	}
	begin := func(m map[string]any) string {
		c.serial++
		id := fmt.Sprint("V", c.serial)
		c.visits[id] = &visitAt{who: c.people[str(m, "certno")], lines: map[string]map[string]any{}}
		return id
	}
	info, _ := input["mdtrtinfo"].(map[string]any)
	switch infno {
	case "2201":
		return map[string]any{"data": map[string]any{"mdtrt_id": begin(data), "psn_no": str(data, "psn_no"), "ipt_otp_no": str(data, "ipt_otp_no")}}
	case "2401":
		return map[string]any{"result": map[string]any{"mdtrt_id": begin(info)}}
	case "2203":
		if at(info) == nil {
			return refusal("[not_found] mdtrtinfo.mdtrt_id")
		}
		return map[string]any{}
	case "2204", "2301":
		rows, _ := input["feedetail"].([]any)
		for _, l := range rows {
			m := l.(map[string]any)
			v := at(m)
			if v == nil {
				return refusal("[not_found] feedetail.mdtrt_id")
			}
			v.lines[str(m, "feedetl_sn")] = m
		}
		return map[string]any{"result": []any{}}
	case "2302":
		rows, _ := input["data"].([]any)
		data, _ = rows[0].(map[string]any)
	case "2402":
		data, _ = input["dscginfo"].(map[string]any)
	}
	v := at(data)
	if v == nil || v.settled != "" {
		return refusal("[wrong_visit] data.mdtrt_id")
	}
	switch infno {
	case "2205", "2302":
		v.lines = map[string]map[string]any{}
	case "2202", "2404":
		v.gone = true
	case "2402":
		v.ended = true
	case "2405":
		v.ended = false
	}
	return map[string]any{}
}
