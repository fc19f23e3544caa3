package till

import (
	"errors"
	"fmt"
	"io"
	"maps"
	"slices"
	"strings"
	"text/tabwriter"
)

// DayCounts are what happened at one till, or at all.
type DayCounts struct {
	Visits, Differences int
	Cuts                map[Point]int
	Late                int            // held messages that arrived after all
	Refusals            map[string]int // by infno and the server's code
	Unresolved          int
	Wrong               []string // answers that break an equation or another promise
}

// wrongMax bounds what is kept of wrong answers: one is enough to fail the day.
const wrongMax = 100

func newCounts() DayCounts { return DayCounts{Cuts: map[Point]int{}, Refusals: map[string]int{}} }

// note counts a visit.
func (t *dayTill) note(v *Visit, err error) {
	t.Visits++
	if v != nil {
		if len(v.Differences) > 0 {
			t.Differences++
		}
		t.Wrong = append(t.Wrong, v.Wrong...)
	}
	switch {
	case errors.Is(err, ErrUnresolved):
		t.Unresolved++
	case err != nil:
		text, _, _ := strings.Cut(strings.TrimPrefix(err.Error(), ErrRefused.Error()+": "), "]")
		t.Refusals[text+"]"]++
	}
	for _, c := range t.Server.Line.TakeCuts() {
		t.Cuts[c.Point]++
		if c.Point == Held && c.Answer != nil {
			t.Late++
		}
	}
}

// InstitutionDay is the close of one institution.
type InstitutionDay struct {
	Place
	Settled, Cancelled, Reversed, Refused, Open int
	Totals
	Mulaid Fen
	Close  *Reconciliation
}

// DayResult is a day after its close.
type DayResult struct {
	DayCounts
	Institutions []InstitutionDay
}

func newDayResult() *DayResult { return &DayResult{DayCounts: newCounts()} }

func (r *DayResult) add(c *DayCounts) {
	r.Visits += c.Visits
	r.Differences += c.Differences
	r.Late += c.Late
	r.Unresolved += c.Unresolved
	r.Wrong = append(r.Wrong, c.Wrong...)
	r.Wrong = r.Wrong[:min(len(r.Wrong), wrongMax)]
	for p, n := range c.Cuts {
		r.Cuts[p] += n
	}
	for s, n := range c.Refusals {
		r.Refusals[s] += n
	}
}

func (r *DayResult) close(in *Institution, close *Reconciliation) {
	d := InstitutionDay{Place: in.Place, Close: close}
	for _, e := range in.Book.Entries() {
		switch {
		case e.State == Pending:
			d.Open++
		case e.State == Rejected || e.State == Foreign:
			d.Refused++
		case e.State == Undone || e.State == Struck:
			d.Reversed++
		case e.IsCancel():
			d.Cancelled++
			d.add(&Row{Entry: e, Refund: true})
			d.Mulaid -= e.Mulaid
		case e.IsSettlement():
			d.Settled++
			d.add(&Row{Entry: e})
			d.Mulaid += e.Mulaid
		}
	}
	r.Institutions = append(r.Institutions, d)
}

// Level tells whether every institution's books are level with the centre's, row for row asked about, nothing is open, and no answer was wrong.
func (r *DayResult) Level() bool {
	for i := range r.Institutions {
		d := &r.Institutions[i]
		if d.Open > 0 || d.Close == nil || !d.Close.Level() {
			return false
		}
		asked := 0
		for k := range d.Close.Statements {
			asked += d.Close.Statements[k].Count
		}
		if asked != d.Count {
			return false
		}
	}
	return len(r.Wrong) == 0
}

// Print writes the summary.
func (r *DayResult) Print(w io.Writer) error {
	fmt.Fprintf(w, "%d visits, %d settled otherwise than pre-settled, %d left open at the till\n", r.Visits, r.Differences, r.Unresolved)
	for _, p := range Points() {
		if n := r.Cuts[p]; n > 0 {
			fmt.Fprintf(w, "  line cut %4d x %s\n", n, p)
		}
	}
	if r.Late > 0 {
		fmt.Fprintf(w, "  of those held, %d arrived behind the till's next message\n", r.Late)
	}
	for _, s := range slices.Sorted(maps.Keys(r.Refusals)) {
		fmt.Fprintf(w, "  refused %4d x %s\n", r.Refusals[s], s)
	}
	for _, s := range r.Wrong {
		fmt.Fprintf(w, "  WRONG: %s\n", s)
	}
	t := tabwriter.NewWriter(w, 0, 8, 2, ' ', tabwriter.AlignRight)
	fmt.Fprintln(t, "institution\tsettled\tcancelled\treversed\trefused\topen\tmedfee_sumamt\tfund_pay_sumamt\tacct_pay\tacct_mulaid_pay\tpsn_cash_pay\t3201\t")
	for i := range r.Institutions {
		d := &r.Institutions[i]
		fmt.Fprintf(t, "%s\t%d\t%d\t%d\t%d\t%d\t%s\t%s\t%s\t%s\t%s\t%s\t\n", d.Code, d.Settled, d.Cancelled, d.Reversed, d.Refused, d.Open, d.Medfee, d.Fund, d.Acct, d.Mulaid, d.Cash,
			d.Close.word())
	}
	if err := t.Flush(); err != nil {
		return err
	}
	for i := range r.Institutions {
		if err := r.Institutions[i].Close.Print(w); err != nil {
			return err
		}
	}
	return nil
}

func (r *Reconciliation) word() string {
	switch {
	case r == nil:
		return "failed"
	case r.Level():
		return "level"
	case r.Unsupported():
		return "not supported"
	}
	return "NOT LEVEL"
}

// Print tells the groups that were not level at once.
func (r *Reconciliation) Print(w io.Writer) error {
	if r == nil {
		return nil
	}
	for i := range r.Statements {
		s := &r.Statements[i]
		if s.Level && s.Rounds == 0 {
			continue
		}
		if _, err := fmt.Fprintf(w, "  %s insutype %s clr_type %s setl_optins %s, %s to %s, %d rows: stmt_rslt %q %s, %d rounds of 3202\n", r.Code, s.Insutype, s.ClrType, s.Optins, r.From, r.To,
			s.Count, s.Result, s.Text, s.Rounds); err != nil {
			return err
		}
		for _, f := range s.Findings {
			fmt.Fprintf(w, "    %s %s: %s, fixed %t\n", f.Msgid, f.SetlID, f.What, f.Fixed)
		}
	}
	return nil
}
