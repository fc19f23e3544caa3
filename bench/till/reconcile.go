package till

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"maps"
	"slices"
	"strings"
)

// Group is what 3201 asks for at once (nhsa-interface.md 1.13): an insurance, a clearing category and a settling agency.
type Group struct{ Insutype, ClrType, Optins string }

// Row is a line of the institution's statement: a settlement, or a refund as a row of its own with negative amounts (1.13, 3).
type Row struct {
	Entry
	Refund bool
}

// Totals of a statement.
type Totals struct {
	Medfee, Fund, Acct, Cash Fen
	Count                    int // rows, the refunds' too
}

func (t *Totals) add(r *Row) {
	sign := Fen(1)
	if r.Refund {
		sign = -1
	}
	t.Medfee += sign * r.Medfee
	t.Fund += sign * r.Fund
	t.Acct += sign * r.Acct
	t.Cash += sign * r.Cash
	t.Count++
}

// Group is that of an entry.
func (e *Entry) Group() Group { return Group{e.Insutype, e.ClrType, e.Optins} }

// Rows are the book as a statement: settlements that stand or stood until they were cancelled, and the cancels. What 2601 undid leaves no row
// while its day is open (R15). A group in which everything was undone is there without rows.
func (b *Book) Rows() map[Group][]Row {
	rows := map[Group][]Row{}
	for _, e := range b.Entries() {
		if !e.IsSettlement() && !e.IsCancel() || e.State == Rejected || e.State == Foreign {
			continue
		}
		g := e.Group()
		list := rows[g]
		if e.State == Done {
			list = append(list, Row{Entry: e, Refund: e.IsCancel()})
		}
		rows[g] = list // the group is there, whatever became of the message
	}
	return rows
}

// sortedGroups are the groups of a statement in a fixed order.
func sortedGroups(rows map[Group][]Row) []Group {
	return slices.SortedFunc(maps.Keys(rows), func(a, b Group) int {
		return cmp.Or(cmp.Compare(a.ClrType, b.ClrType), cmp.Compare(a.Insutype, b.Insutype), cmp.Compare(a.Optins, b.Optins))
	})
}

// days is the range of dates that an institution's book covers, by the platform's settlement times and the till's own dates.
func (b *Book) days(today string) (from, to string) {
	from, to = today, today
	for _, e := range b.Entries() {
		from, to = min(from, e.Day), max(to, e.Day)
	}
	return from, to
}

// Finding is a trade that one side had alone, or that both have with different amounts.
type Finding struct {
	Msgid, SetlID string
	What          string
	Fixed         bool
}

// Statement is the reconciliation of one group.
type Statement struct {
	Group
	Totals
	Result      string // of 3201
	Text        string // stmt_rslt_dscr, or why there is no result
	Level       bool
	Unsupported bool // the server knows no 3201, or no 3202 when it is needed
	Rounds      int  // of 3202
	Findings    []Finding
}

// Reconciliation is the close of a day of one institution.
type Reconciliation struct {
	Place
	From, To   string
	Statements []Statement
	again      map[Group]int // how often a group was asked again, as the close of another changed its rows
}

// Level tells whether all groups are.
func (r *Reconciliation) Level() bool {
	for i := range r.Statements {
		if !r.Statements[i].Level {
			return false
		}
	}
	return true
}

// Unsupported tells whether the server lacks the transactions.
func (r *Reconciliation) Unsupported() bool {
	return slices.ContainsFunc(r.Statements, func(s Statement) bool { return s.Unsupported })
}

// roundsMax of 3202 for a group: the second must find nothing.
const roundsMax = 3

// Reconcile is the close of the day: what is open is undone, then 3201 for each group; where that is not level 3202 says which trades only one
// side has, 2601 removes them, and 3201 is asked again. An error is an accident; books that do not become level are told by the result.
func (t *Till) Reconcile(ctx context.Context) (*Reconciliation, error) {
	for _, e := range t.Book.Open() {
		later := *t
		later.ConfirmLater = true // this is the confirmation
		if _, err := later.resolve(ctx, &e); err != nil && !errors.Is(err, ErrUnresolved) && !errors.Is(err, ErrRefused) {
			return nil, err // an open message that stays open: 3202 will tell
		}
	}
	out := &Reconciliation{Place: t.Place}
	out.From, out.To = t.Book.days(t.time().Format("2006-01-02"))
	for {
		g, found := out.unasked(t.Book.Rows())
		if !found {
			return out, nil
		}
		s, err := t.reconcileGroup(ctx, g, out)
		if err != nil {
			return nil, err
		}
		out.Statements = append(out.Statements, *s)
	}
}

// unasked is the first group of the book without a statement. The file of 3202 has no insutype, so the close of one group may enter rows of another
// that the book did not have when the close began, or remove rows of one already asked: that one's statement is taken back, at most roundsMax times.
func (r *Reconciliation) unasked(rows map[Group][]Row) (Group, bool) {
	for _, g := range sortedGroups(rows) {
		i := slices.IndexFunc(r.Statements, func(s Statement) bool { return s.Group == g })
		if i < 0 {
			return g, true
		}
		var now Totals
		for k := range rows[g] {
			now.add(&rows[g][k])
		}
		if r.Statements[i].Totals != now && r.again[g] < roundsMax {
			if r.again == nil {
				r.again = map[Group]int{}
			}
			r.again[g]++
			r.Statements = slices.Delete(r.Statements, i, i+1)
			return g, true
		}
	}
	return Group{}, false
}

func (t *Till) reconcileGroup(ctx context.Context, g Group, day *Reconciliation) (*Statement, error) {
	s := &Statement{Group: g}
	for {
		rows := t.Book.Rows()
		s.Totals = Totals{}
		for i := range rows[g] {
			s.Totals.add(&rows[g][i])
		}
		r, err := t.ask(ctx, infTotals, func(o *object) { t.totals(o, s, day) })
		if errors.Is(err, ErrRefused) {
			s.Text, s.Unsupported = r.Text, r.Code == codeUnsupported
			return s, nil
		}
		if err != nil {
			return nil, err
		}
		info := r.Output.Child("stmtinfo")
		s.Result, s.Text = info.Text("stmt_rslt"), info.Text("stmt_rslt_dscr")
		if s.Level = isLevel(s.Result); s.Level || s.Rounds == roundsMax {
			return s, nil
		}
		s.Rounds++
		fixed, err := t.details(ctx, s, rows, day)
		if errors.Is(err, ErrRefused) {
			s.Text += " " + err.Error()
			return s, nil
		}
		if err != nil || !fixed {
			return s, err
		}
	}
}

const codeUnsupported = "not_supported"

// isLevel: HN 0, HB 000000 (nhsa-interface.md 1.7).
func isLevel(result string) bool { return result != "" && strings.Trim(result, "0") == "" }

// totals writes what 3201 asks. Both refund flags say that the sums contain the refunds: no source explains them, and systems in
// use read them so (DESIGN.md 5).
func (t *Till) totals(o *object, s *Statement, day *Reconciliation) {
	o.node("data", func(o *object) {
		o.texts("insutype", s.Insutype, "clr_type", s.ClrType, "setl_optins", s.Optins, "stmt_begndate", day.From, "stmt_enddate", day.To)
		o.money("medfee_sumamt", s.Medfee)
		o.money("fund_pay_sumamt", s.Fund)
		o.money("acct_pay", s.Acct)
		o.count("fixmedins_setl_cnt", s.Count)
		o.texts("refd_setl_flag", "1", "fixmedins_refd_setl_flag", "1")
	})
}

// details is one round of 3202: the statement goes up as a file, the verdict on each row comes back as one. It has no insutype, so the file has the
// rows of all. fixed: something was removed, so it is worth asking again.
func (t *Till) details(ctx context.Context, s *Statement, groups map[Group][]Row, day *Reconciliation) (fixed bool, err error) {
	var rows []Row
	var sums Totals
	for _, g := range sortedGroups(groups) {
		if g.ClrType == s.ClrType && g.Optins == s.Optins {
			rows = append(rows, groups[g]...)
		}
	}
	for i := range rows {
		sums.add(&rows[i])
	}
	name := fmt.Sprintf("stmt_%s_%s_%s", t.Code, s.ClrType, strings.ReplaceAll(day.To, "-", ""))
	packed, err := packStatement(name+".txt", rows)
	if err != nil {
		return false, err
	}
	number, err := t.upload(ctx, name+".zip", packed)
	if err != nil {
		return false, err
	}
	r, err := t.ask(ctx, infDetails, func(o *object) {
		o.node("data", func(o *object) {
			o.texts("setl_optins", s.Optins, "file_qury_no", number, "stmt_begndate", day.From, "stmt_enddate", day.To)
			o.money("medfee_sumamt", sums.Medfee)
			o.money("fund_pay_sumamt", sums.Fund)
			o.money("cash_payamt", sums.Cash)
			o.count("fixmedins_setl_cnt", sums.Count)
			o.texts("clr_type", s.ClrType, "refd_setl_flag", "1", "fixmedins_refd_setl_flag", "1")
		})
	})
	if err != nil {
		return false, err
	}
	info := r.Output.Child("fileinfo")
	file, err := t.download(ctx, info.Text("file_qury_no"), info.Text("filename"))
	if err != nil {
		return false, err
	}
	verdicts, err := unpackVerdicts(file)
	if err != nil {
		return false, err
	}
	for i := range verdicts {
		if v := &verdicts[i]; !isLevel(v.Result) {
			f, err := t.fix(ctx, s.Group, v)
			if err != nil {
				return false, err
			}
			s.Findings = append(s.Findings, f)
			fixed = fixed || f.Fixed
		}
	}
	return fixed, nil
}

// fix brings a row that one side has alone out of the world. What the book has as standing is looked up by 5203 first: if the centre has it too, the
// amounts differ, and a till must not undo what it gave goods for.
func (t *Till) fix(ctx context.Context, g Group, v *Verdict) (Finding, error) {
	f := Finding{Msgid: v.Msgid, SetlID: v.SetlID}
	e, ours := t.Book.byVerdict(v)
	ours = ours && e.State != Foreign
	switch {
	case ours && e.State == Done:
		if _, err := t.undone(ctx, &e); err == nil {
			f.What = "both sides have it, with other amounts or another state: " + v.Memo
			return f, nil
		} else if !errors.Is(err, ErrRefused) {
			return f, err
		}
		f.What, f.Msgid, e.State = "only here", e.Msgid, Struck
	case v.Refund == "1" || !ours && !t.ReverseUnknown || v.Msgid == "":
		return t.enter(ctx, g, v, f)
	default:
		f.What = "only at the centre"
		if !ours {
			e = v.entry(g, t.time().Format("2006-01-02"))
		}
		e.State = Undone
	}
	switch err := t.undo(ctx, &e); {
	case errors.Is(err, errUndone) && !ours: // settled and refunded there: two rows that come to nothing
		return t.enter(ctx, g, v, f)
	case errors.Is(err, ErrRefused):
		f.What += ": " + err.Error()
		return f, nil
	case err != nil && !errors.Is(err, errUndone):
		return f, err
	}
	f.Fixed = true
	t.say("  %s %s: %s, removed by 2601", e.Infno, e.Msgid, f.What)
	return f, t.Book.Put(e)
}

// enter takes a row of the centre's into the book: a refund, which nothing takes back, or a settlement that this book has not sent. 5203 tells its
// insurance, which the row does not; a row that cannot be looked up is left alone.
func (t *Till) enter(ctx context.Context, g Group, v *Verdict, f Finding) (Finding, error) {
	f.What = "only at the centre, not of this book"
	if v.Msgid == "" || v.SetlID == "" || v.MdtrtID == "" {
		f.What += ": left alone, without msgid, setl_id or mdtrt_id"
		return f, nil
	}
	e := v.entry(g, t.time().Format("2006-01-02"))
	info, err := t.query(ctx, &e)
	if errors.Is(err, ErrRefused) {
		f.What += ": left alone, " + err.Error()
		return f, nil
	}
	if err != nil {
		return f, err
	}
	if insutype := info.Text("insutype"); insutype != "" {
		e.Insutype = insutype
	}
	f.What, f.Fixed = f.What+": entered", true
	t.say("  %s %s: %s", e.Infno, e.Msgid, f.What)
	return f, t.Book.Put(e)
}

// entry is a row of the centre's as the book would have it.
func (v *Verdict) entry(g Group, day string) Entry {
	settle, cancel := settlesIn(g.ClrType)
	e := Entry{Msgid: v.Msgid, Infno: settle, State: Done, PsnNo: v.PsnNo, Insutype: g.Insutype, ClrType: g.ClrType, Optins: g.Optins, Day: day, SetlID: v.SetlID, MdtrtID: v.MdtrtID,
		Medfee: v.Medfee, Fund: v.Fund, Acct: v.Acct}
	if v.Refund == "1" {
		e.Infno, e.Medfee, e.Fund, e.Acct = cancel, -e.Medfee, -e.Fund, -e.Acct
	}
	e.Cash = e.Medfee - e.Fund - e.Acct
	return e
}

// byVerdict finds the entry that a row of the result is about: by msgid, or by setl_id where the centre tells none.
func (b *Book) byVerdict(v *Verdict) (Entry, bool) {
	if e, found := b.Find(v.Msgid); found {
		return e, true
	}
	for _, e := range b.Entries() {
		if v.Msgid == "" && v.SetlID != "" && e.SetlID == v.SetlID && e.IsCancel() == (v.Refund == "1") {
			return e, true
		}
	}
	return Entry{}, false
}

// settlesIn are the transactions of a clearing category, for a trade that the book does not know.
func settlesIn(clrType string) (settle, cancel string) {
	switch {
	case clrType == clrPharmacy:
		return infPurchase, infPurchaseCancel
	case strings.HasPrefix(clrType, clrStay):
		return infStaySettle, infStayCancel
	}
	return infOutpatientSettle, infOutpatientCancel
}

// Clearing categories expected before an answer tells them (nhsa-interface.md 1.11).
const (
	clrPharmacy   = "41"
	clrOutpatient = "11"
	clrStay       = "21"
)
