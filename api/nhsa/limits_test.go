package nhsa

import (
	"fmt"
	"maps"
	"slices"
	"strings"
	"testing"
)

// Rule 7 of nhsa-inpatient.md 4: 2101 and 2102 are a retail pharmacy's. Another kind of institution is told so, and nothing is logged.
func TestPurchasesAreOfPharmacies(t *testing.T) {
	f := start(t, setup{})
	p := f.newPerson(true)
	b := bought{who: p, total: "75.00", lines: threeLines}
	for _, kind := range []string{"1", "2", "3", "4", "5"} {
		code := "X4201000000" + kind
		f.institution(code, kind)
		before := f.sequence()
		for _, infno := range []string{"2101", "2102"} {
			a := f.send(pathCall, sent{infno: infno, msgid: f.msgid(), code: code, input: b.input()}.body())
			if kind == "2" {
				a.ok()
				continue
			}
			if a.refused("not_supported", "fixmedins_code"); !strings.Contains(a.str("err_msg"), "门诊或住院结算") {
				t.Error(a.text)
			}
		}
		if f.sequence() != before && kind != "2" {
			t.Errorf("type %s: a refusal was logged", kind)
		}
	}
}

// When a visit began and ended is neither in the future nor too long ago, a discharge is not before its admission as told last (R19: the first day decides what
// a patient is); all refused at the field before the log. A repeat has its first answer also when its day has become too early since (R10).
func TestVisitTimes(t *testing.T) {
	f := start(t, setup{})
	f.hospital()
	p := f.newPerson(true)
	v, stay := f.registered(p), f.admitted(p) // on 2026-03-10, 08:00; it is noon
	admit := func(begin string) with {
		return with{"med_type": `"2101"`, "mdtrt_cert_no": quote(p.certno), "ipt_no": quote("ZY" + begin), "begntime": quote(begin)}
	}
	register := func(begin string) with {
		return with{"ipt_otp_no": quote(strings.ReplaceAll("MZ"+begin, " ", "-")), "begntime": quote(begin)}
	}
	change := func(begin, end string) with {
		return with{"ipt_otp_no": `"ZY001"`, "med_type": `"2101"`, "begntime": quote(begin), "endtime": quote(end)}
	}
	for _, c := range []struct {
		v     *visit
		tx    *transaction
		row   with
		where string // "": taken
	}{
		{v, &registration, register("2026-03-10 12:29:00"), ""},
		{v, &registration, register("2026-03-10 12:31:00"), "data.begntime"},
		{v, &registration, register("2026-03-11"), "data.begntime"},
		{v, &registration, register("2026-02-07"), ""}, // 31 days
		{v, &registration, register("2026-02-06"), "data.begntime"},
		{v, &registration, register("1850-01-01 00:00:00"), "data.begntime"},
		{v, &visitUpload, with{"begntime": `"2026-03-10 12:31:00"`}, "mdtrtinfo.begntime"},
		{v, &visitUpload, with{"begntime": `"2026-03-10"`}, ""},
		{stay, &admission, admit("2026-03-11"), "mdtrtinfo.begntime"},
		{stay, &admission, admit("2025-03-09"), ""}, // 366 days
		{stay, &admission, admit("2025-03-08"), "mdtrtinfo.begntime"},
		{stay, &admissionChange, change("2026-03-10 13:00:00", ""), "adminfo.begntime"},
		{stay, &admissionChange, change("2026-03-10 09:00:00", "2026-03-10 08:59:59"), "adminfo.endtime"},
		{stay, &admissionChange, change("2026-03-10 09:00:00", "2026-03-10"), ""},
		{stay, &discharge, with{"endtime": `"2026-03-10 13:00:00"`}, "dscginfo.endtime"},
		{stay, &discharge, with{"endtime": `"2026-03-09"`}, "dscginfo.endtime"},
		{stay, &discharge, with{"endtime": `"2026-03-10 08:30:00"`}, "dscginfo.endtime"}, // behind 2401's begntime and before 2403's
		{stay, &discharge, with{"endtime": `"2026-03-10"`}, ""},                          // the day of the admission
	} {
		t.Run(c.tx.infno+" "+c.row["begntime"]+c.row["endtime"], func(t *testing.T) {
			f.t = t
			row := c.row
			if row["ipt_no"] != "" {
				row["ipt_no"] = strings.ReplaceAll(row["ipt_no"], " ", "-")
			}
			before := f.sequence()
			a := c.v.now(c.tx, row)
			if c.where == "" {
				a.ok()
				return
			}
			if a.refused("wrong_time", c.where); f.sequence() != before {
				t.Error("a refusal was logged")
			}
		})
	}
	f.t = t
	v.send("OLD1", &registration, with{"ipt_otp_no": `"MZ77"`}).ok()
	again := f.admittedAs(p, "ZY77")
	again.send("OLD2", &discharge, with{"endtime": `"2026-03-10 09:00:00"`}).ok()
	f.clock.ms.Add(60 * dayMS)
	a := v.send("OLD1", &registration, with{"ipt_otp_no": `"MZ77"`}).ok()
	if a.header.Get("Idempotency-Replayed") != "true" {
		t.Error("not marked as a repeat")
	}
	v.send("OLD1", &registration, with{"ipt_otp_no": `"MZ78"`}).refused("id_reused", "msgid")
	v.now(&registration, with{"ipt_otp_no": `"MZ77"`}).refused("wrong_time", "data.begntime")
	again.send("OLD2", &discharge, with{"endtime": `"2026-03-10 09:00:00"`}).ok()
}

func (f *fixture) admittedAs(p someone, no string) *visit {
	f.t.Helper()
	v := &visit{f: f, who: p, code: hospitalCode, stay: true}
	v.id = v.now(&admission, with{"mdtrt_cert_no": quote(p.certno), "med_type": `"2101"`, "ipt_no": quote(no)}).ok().str("output.result.mdtrt_id")
	return v
}

// sample is a value that a field takes, as JSON.
func sample(f *field) string {
	switch {
	case f.kind == kindNode:
		s := sampleRow(f.node, "", "")
		if f.node.max > 0 {
			s = "[" + s + "]"
		}
		return s
	case f.kind == kindNumber:
		return "1"
	case f.kind == kindDate, f.kind == kindTime:
		return `"2026-03-10"`
	case f.dict != nil:
		return quote(slices.Sorted(maps.Keys(f.dict.codes))[0])
	}
	return `"1"`
}

// sampleRow is a row of all fields, one of them with another value.
func sampleRow(n *node, name, value string) string {
	var parts []string
	for i := range n.fields {
		s := sample(&n.fields[i])
		if n.fields[i].name == name {
			s = value
		}
		parts = append(parts, quote(n.fields[i].name)+":"+s)
	}
	return "{" + strings.Join(parts, ",") + "}"
}

// A required text of nothing but white space is missing, in every field of every table and of the envelope; an optional one is absent.
func TestBlankTexts(t *testing.T) {
	required, optional := 0, 0
	check := func(infno string, n *node) {
		for i := range n.fields {
			f := &n.fields[i]
			if f.kind > kindDigits {
				continue
			}
			for _, blank := range []string{`" "`, `"\t  "`, `"　　"`, `" "`} {
				var r tree
				r.begin([]byte(sampleRow(n, f.name, blank)))
				row, x := r.object(n, 0)
				switch {
				case f.need == must:
					if required++; x.code != codeMissing || !strings.HasSuffix(x.where, f.name) || x.label != f.text {
						t.Errorf("%s %s.%s: %s of %s", infno, n.name, f.name, blank, x.appendText(nil))
					}
				default:
					if optional++; x.bad() || r.get(row, i).has {
						t.Errorf("%s %s.%s: %s of %s", infno, n.name, f.name, blank, x.appendText(nil))
					}
				}
			}
		}
	}
	for _, tx := range transactions() {
		for i := range tx.input.fields {
			check(tx.infno, tx.input.fields[i].node)
		}
	}
	check("envelope", envelope)
	if required < 4*200 || optional < 4*100 {
		t.Errorf("%d required, %d optional looked at", required, optional)
	}
}

// feedetl_sn is unique in an upload as in a purchase, and has up to 30 digits in both; two long ones that differ are two lines, removed, returned and settled
// by their numbers.
func TestSerials(t *testing.T) {
	f := start(t, setup{})
	f.hospital()
	f.shop()
	p := f.newPerson(true)
	f.credit(p, "1000.00")
	v, stay := f.registered(p), f.admitted(p)
	at := func(sn string) line { return line{sn, "SA01DEMO0007", "1", "40", "40.00"} }
	before := f.sequence()
	for _, sn := range []string{"7", "123456789012345678901234567890"} {
		v.now(&outpatientLines, fee("B1", at(sn)), fee("B1", at("8")), fee("B1", at(sn))).refused("line_repeated", "feedetail[3].feedetl_sn")
		stay.now(&inpatientLines, fee("", at(sn)), fee("", at(sn))).refused("line_repeated", "feedetail[2].feedetl_sn")
		b := bought{who: p, total: "80.00", lines: []line{at(sn), at(sn)}}
		f.settle(f.msgid(), b).refused("line_repeated", "drugdetail[2].feedetl_sn")
	}
	v.now(&outpatientLines, fee("B1", at("1234567890123456789012345678901"))).refused("too_long", "feedetail[1].feedetl_sn")
	if f.sequence() != before {
		t.Error("a refusal was logged")
	}
	serials := []string{"999999999999999", "1000000000000000", "9999999999999999", "18446744073709551615", "18446744073709551616", "123456789012345678901234567890", "123456789012345678901234567891"}
	var rows, bed []with
	var lines []line
	for _, sn := range serials {
		rows, bed, lines = append(rows, fee("B1", at(sn))), append(bed, fee("", at(sn))), append(lines, at(sn))
	}
	a := v.now(&outpatientLines, rows...).ok()
	for i, sn := range serials {
		a.ok(fmt.Sprintf("result.%d.feedetl_sn", i), sn)
	}
	v.now(&outpatientLines, rows...).ok() // there already
	changed := fee("B1", line{serials[5], "SA01DEMO0007", "2", "40", "80.00"})
	v.now(&outpatientLines, changed).refused("line_exists", "feedetail[1].feedetl_sn")
	v.now(&outpatientPreview, batchBill("B1", with{"medfee_sumamt": "280.00"})).ok("setlinfo.medfee_sumamt", "280.00")
	f.settle(f.msgid(), bought{who: p, total: "280.00", lines: lines}).ok("detlcutinfo.6.feedetl_sn", serials[6])

	stay.now(&inpatientLines, bed...).ok()
	stay.now(&inpatientLines, back("1", serials[5], line{"", "SA01DEMO0007", "-1", "40", "-40.00"})).ok()
	stay.now(&inpatientLines, back("2", serials[5], line{"", "SA01DEMO0007", "-1", "40", "-40.00"})).refused("return_exceeds", "feedetail[1].init_feedetl_sn")
	stay.now(&inpatientLinesCancel, with{"feedetl_sn": quote(serials[6])}, with{"feedetl_sn": quote(serials[2])}).ok()
	stay.now(&inpatientLinesCancel, with{"feedetl_sn": quote(serials[6])}).refused("line_unknown", "data[1].feedetl_sn")
	stay.now(&inpatientPreview, with{"medfee_sumamt": "160.00"}).ok("setlinfo.medfee_sumamt", "160.00") // seven, one returned, two removed
}
