package rest

import (
	"encoding/json"
	"fmt"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"
	"time"

	"gongji/api/money"
	"gongji/bench/proof"
)

// dayEnd is some weeks of an institution, with a clock that steps, and what its own system has of them.
type dayEnd struct {
	*books
	r        *rand.Rand
	code     string
	patients []someone
	frozen   map[string]string // what was told of a closed day, the first time
	steps    int               // of the clock
	across   int               // undoings of an earlier day
	void     int
	planted  map[string]int
}

// dateOfText is the civil date of a time told with the +08:00 zone.
func dateOfText(at string) string { return at[:10] }

// act is one thing that happens: a bill, a cancel, a 2601, or the clock.
func (d *dayEnd) act() {
	d.t.Helper()
	switch dice := d.r.IntN(100); {
	case dice < 12:
		d.stepClock()
	case dice < 26:
		d.undo(false)
	case dice < 40:
		d.undo(true)
	default:
		d.clock.ms.Add(d.r.Int64N(40 * 60_000))
		d.confirm()
		d.bill()
	}
}

// stepClock moves the wall clock alone: back by up to two hours or by a leap second, forward by little, or by so much that an operator has to confirm.
func (d *dayEnd) stepClock() {
	d.steps++
	ms := []int64{-1_000, -d.r.Int64N(2 * 3_600_000), d.r.Int64N(60_000), 6*60_000 + d.r.Int64N(3_600_000)}[d.r.IntN(4)]
	if ms > 0 {
		ms = min(ms, -d.clock.jump.Load()+3_600_000) // an hour ahead at most, or the days would run away
	}
	d.clock.jump.Add(ms)
	d.confirm()
}

// confirm is the operator, who is asked only if the clock has halted the ledger.
func (d *dayEnd) confirm() {
	d.t.Helper()
	d.postAdmin("/v1/clock/confirm", `{"confirm":true}`).want(200)
}

func (d *dayEnd) bill() *booked {
	d.t.Helper()
	fen := 1 + d.r.Int64N(400_00)
	fund := d.r.Int64N(fen + 1)
	p := d.patients[d.r.IntN(len(d.patients))]
	b := bill{msgid: d.msgid(), code: d.code, patient: p, medfee: money.Text(fen), inscp: money.Text(fen), fund: money.Text(fund)}
	a := d.post("/v1/settlements", b.body()).want(200)
	row := &booked{setlID: a.str("setl_id"), msgid: b.msgid, opter: "0001", day: dateOfText(a.str("setl_time")), clr: a.str("clr_type"), patient: p}
	for i, text := range []string{b.medfee, b.fund, a.str("acct_pay"), a.str("acct_mulaid_pay"), a.str("psn_cash_pay")} {
		row.figures[i] = fenOf(d.t, text)
	}
	d.rows[d.code] = append(d.rows[d.code], row)
	return row
}

// undo takes one of the last settlements back, by its message or by its id.
func (d *dayEnd) undo(byMessage bool) {
	d.t.Helper()
	var row *booked
	rows := d.rows[d.code]
	for range 20 {
		if r := rows[max(0, len(rows)-1-d.r.IntN(25))]; !r.refund && !d.isUndone(r) {
			row = r
			break
		}
	}
	if row == nil {
		return
	}
	id, path := d.msgid(), "/v1/settlements/"+row.setlID+"/reversal"
	body, opter := fmt.Sprintf(`{"msgid":%q,"fixmedins_code":%q,"psn_no":%q,"opter":"0001","reason":"退费"}`, id, d.code, row.patient.psnNo), "0001"
	if byMessage {
		path, opter = "/v1/reversals", ""
		body = fmt.Sprintf(`{"msgid":%q,"fixmedins_code":%q,"original_msgid":%q,"original_kind":"settlement","psn_no":%q}`, id, d.code, row.msgid, row.patient.psnNo)
	}
	closed := d.closedThrough()
	a := d.post(path, body).want(200, "state", "reversed")
	back := d.undone(d.code, row, id, opter)
	if back.day = dateOfText(a.str("reversal_time")); back.day != row.day {
		d.across++
	}
	if byMessage && row.day > closed {
		row.void, back.void = true, true
		d.void++
	}
}

func (d *dayEnd) isUndone(row *booked) bool {
	return slices.ContainsFunc(d.rows[d.code], func(r *booked) bool { return r.original == row })
}

func (d *dayEnd) closedThrough() string {
	d.t.Helper()
	return d.get("/v1/institutions/" + d.code + "/clearings").want(200).str("closed_through")
}

// told is all that /v1 says of a day, without what may change later: that it was paid out, and when it was asked.
func (d *dayEnd) told(day string) string {
	d.t.Helper()
	list := d.list(d.code, day, "")
	for _, row := range list {
		delete(row.(map[string]any), "cleared")
	}
	totals := d.get("/v1/institutions/" + d.code + "/clearing?from=" + day + "&to=" + day).want(200)
	for _, name := range []string{"sequence", "days", "closed_through"} {
		delete(totals.json, name)
	}
	text, err := json.Marshal([]any{list, totals.json})
	if err != nil {
		d.t.Fatal(err)
	}
	return string(text)
}

// closes passes midnight, keeps what is told of days that have closed, and looks whether those of before still say the same.
func (d *dayEnd) closes() (changed int) {
	d.t.Helper()
	if err := d.engine.Housekeep(); err != nil {
		d.t.Fatal(err)
	}
	closed := d.closedThrough()
	for _, day := range d.days() {
		if day > closed {
			continue
		}
		now := d.told(day)
		if before, known := d.frozen[day]; known && before != now {
			changed++
			d.t.Errorf("closed day %s changed from\n%s to\n%s", day, before, now)
		}
		d.frozen[day] = now
		d.agrees(d.code, day)
	}
	return changed
}

func (d *dayEnd) days() (days []string) {
	for _, r := range d.rows[d.code] {
		if !slices.Contains(days, r.day) {
			days = append(days, r.day)
		}
	}
	slices.Sort(days)
	return days
}

// theirs is a line of the institution's own system.
type theirs struct {
	booked
	of *booked // row of ours that it stands for; nil: an invented one
}

// plant makes errors in the institution's file and tells what the three lists must hold: message ids, and of differences the fields.
func (d *dayEnd) plant(rows []*booked) (file []theirs, oursOnly, theirsOnly []string, different map[string][]string) {
	different = map[string][]string{}
	for i := range rows {
		file = append(file, theirs{*rows[i], rows[i]})
	}
	d.r.Shuffle(len(file), func(i, j int) { file[i], file[j] = file[j], file[i] })
	take := func() (x *theirs) { // a settlement that nothing was done to yet
		for range 50 {
			i := d.r.IntN(len(file))
			if x = &file[i]; x.of != nil && !x.refund && *x.of == x.booked {
				return x
			}
		}
		return nil
	}
	for range 1 + d.r.IntN(3) {
		if x := take(); x != nil && len(file) > 3 { // missing
			oursOnly = append(oursOnly, x.msgid)
			i := slices.IndexFunc(file, func(y theirs) bool { return y.msgid == x.msgid })
			file = slices.Delete(file, i, i+1)
			d.planted["missing"]++
		}
		if x := take(); x != nil { // 1 fen off
			f := d.r.IntN(3)
			x.figures[f]++
			different[x.msgid] = append(different[x.msgid], figureNames[f])
			d.planted["fen"]++
		}
		extra := theirs{booked: booked{msgid: d.msgid(), figures: [5]int64{100, 0, 100}}}
		theirsOnly = append(theirsOnly, extra.msgid)
		file = slices.Insert(file, d.r.IntN(len(file)+1), extra)
		d.planted["extra"]++
	}
	if x, y := take(), take(); x != nil && y != nil && x != y { // swapped ids
		x.msgid, y.msgid = y.msgid, x.msgid
		for _, l := range []*theirs{x, y} {
			other := x.of
			if l == x {
				other = y.of
			}
			fields := []string{"setl_id"}
			for f := range 3 {
				if l.figures[f] != other.figures[f] {
					fields = append(fields, figureNames[f])
				}
			}
			different[l.msgid] = fields
		}
		d.planted["swapped"]++
	}
	return file, oursOnly, theirsOnly, different
}

// compare sends a file with errors and holds the three lists against what was planted. It gives the number of lists that differ.
func (d *dayEnd) compare(from, to string) (wrong int) {
	d.t.Helper()
	rows := d.of(d.code, from, to)
	if len(rows) < 5 {
		return 0
	}
	query := "?from=" + from + "&to=" + to
	var level []string
	for _, r := range rows {
		level = append(level, lineOf(r, ""))
	}
	d.reconcile(d.code, query, level...).want(200, "level", "true", "ours.count", fmt.Sprint(len(rows)))
	file, oursOnly, theirsOnly, different := d.plant(rows)
	var lines []string
	for i := range file {
		text := lineOf(&file[i].booked, "")
		if file[i].setlID == "" {
			text = strings.Replace(text, `"setl_id":"",`, "", 1)
		}
		lines = append(lines, text)
	}
	a := d.reconcile(d.code, query, lines...).want(200, "level", "false", "ours_only_count", fmt.Sprint(len(oursOnly)), "theirs_only_count", fmt.Sprint(len(theirsOnly)),
		"different_count", fmt.Sprint(len(different)))
	got := map[string][]string{}
	for _, x := range a.at("different").([]any) {
		m := x.(map[string]any)
		id := m["msgid"].(string)
		for _, f := range m["fields"].([]any) {
			got[id] = append(got[id], f.(map[string]any)["field"].(string))
		}
	}
	for _, list := range [][2][]string{{messages(a, "ours_only"), oursOnly}, {messages(a, "theirs_only"), theirsOnly}, {flat(got), flat(different)}} {
		slices.Sort(list[0])
		slices.Sort(list[1])
		if !slices.Equal(list[0], list[1]) {
			wrong++
			d.t.Errorf("%s to %s: told %v, planted %v", from, to, list[0], list[1])
		}
	}
	return wrong
}

func messages(a *answer, list string) (ids []string) {
	for _, x := range a.at(list).([]any) {
		ids = append(ids, x.(map[string]any)["msgid"].(string))
	}
	return ids
}

func flat(m map[string][]string) (out []string) {
	for id, fields := range m {
		slices.Sort(fields)
		out = append(out, id+":"+strings.Join(fields, ","))
	}
	return out
}

// TestDayEnd (T16, P20; R15, R17, R28): some weeks of bills, cancels and 2601 at any hour and across midnight, with a clock that steps forward and back. What is told of a
// closed day never changes; the days add up to the whole and to what the institution is owed; and of a file with planted errors (a line missing, one too many, 1 fen
// off, ids swapped) the three lists are exactly those.
func TestDayEnd(t *testing.T) {
	const days = 18 // and three more; one question takes a month
	l := proof.New("T16", "day-end").Seed(16)
	d := &dayEnd{books: &books{fixture: start(t, setup{}), rows: map[string][]*booked{}, paid: map[string]int64{}}, r: rand.New(rand.NewPCG(16, 16)), frozen: map[string]string{}, planted: map[string]int{}}
	d.document = nil // other tests compare answers with it: this one reads many lists
	d.code = d.institution("1")
	mother := d.newPerson(true)
	d.credit(mother, "900000.00")
	for i := range 6 {
		p := d.newPerson(i%2 == 0)
		d.patients = append(d.patients, p)
		d.bind(mother, p, "")
	}
	d.bill()
	changed, wrong, acts := 0, 0, 0
	for day := range days {
		for range max(8, proof.Of(80)) {
			d.act()
			acts++
		}
		d.clock.ms.Add(86_400_000 - d.clock.ms.Load()%86_400_000 + 16*3_600_000 - 3_600_000 + d.r.Int64N(2*3_600_000)) // about midnight at +08:00
		d.confirm()
		changed += d.closes()
		seen := d.days()
		from := seen[max(0, len(seen)-1-d.r.IntN(4))]
		wrong += d.compare(from, seen[len(seen)-1])
		if through := d.closedThrough(); day%6 == 5 && through >= seen[0] {
			for within(seen) < len(seen) && seen[0] <= through { // the last month that is closed
				seen = seen[1:]
			}
			if seen[0] <= through {
				wrong += d.compare(seen[0], through)
			}
		}
	}
	for range 3 {
		d.nextDay()
		changed += d.closes()
	}
	d.whole()
	l.AtLeast("acts", int64(acts), int64(days*max(8, proof.Of(80)))).AtLeast("rows", int64(len(d.rows[d.code])), int64(acts/3)).AtLeast("closed_days", int64(len(d.frozen)), days/2).
		AtLeast("across_midnight", int64(d.across), 1).AtLeast("void", int64(d.void), 1).Zero("closed_changed", int64(changed)).Zero("lists_wrong", int64(wrong)).Fault("clock", int64(d.steps))
	for _, kind := range []string{"missing", "extra", "fen", "swapped"} {
		l.Fault(kind, int64(d.planted[kind]))
	}
	l.Print(t)
}

// within is how many of the days, in order, lie within the month after the first.
func within(days []string) int {
	first, _ := time.Parse(time.DateOnly, days[0]) // our own text
	end := first.AddDate(0, 0, rangeDaysMax).Format(time.DateOnly)
	n, _ := slices.BinarySearch(days, end)
	return n
}

// whole: the days add up to all of them, and all of them to what the institution is owed.
func (d *dayEnd) whole() {
	d.t.Helper()
	days := d.days()
	var sum int64
	for _, day := range days {
		sum += d.totals(d.code, day, day, "", d.of(d.code, day, day))
	}
	var all int64
	for len(days) > 0 { // by the month, which is the most that one question takes
		n := within(days)
		all += d.totals(d.code, days[0], days[n-1], "", d.of(d.code, days[0], days[n-1]))
		days = days[n:]
	}
	if all != sum {
		d.t.Errorf("the days come to %d, all of them to %d", sum, all)
	}
	d.getAdmin("/v1/ledger/totals").want(200, "totals.institution_payable", money.Text(sum), "sum", "0.00")
}
