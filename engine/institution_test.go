package engine_test

import (
	"errors"
	"math/rand/v2"
	"reflect"
	"slices"
	"testing"

	"gongji/bench/model"
	"gongji/engine"
	"gongji/engine/ledger"
)

// naive is every row and clearing of a ledger, from a fold over the whole journal and log, in log order.
type naive struct {
	rows      map[uint32][]engine.InstitutionRow
	clearings map[uint32][]engine.InstitutionClearing
	times     []int64 // by sequence
}

// fold reads everything there is, from the beginning.
func fold(t *testing.T, e *engine.Engine) *naive {
	t.Helper()
	n := &naive{rows: map[uint32][]engine.InstitutionRow{}, clearings: map[uint32][]engine.InstitutionClearing{}, times: []int64{0}}
	settled := map[ledger.Position]engine.InstitutionRow{}
	all := func(f *ledger.Effect) bool { return f.Outcome == ledger.Accepted }
	var sequence uint64
	must(t, e.Ask(func(v engine.View) { sequence = v.Sequence }))
	r, number := e.NewReader(), uint32(0)
	for s := uint64(1); s <= sequence; s++ {
		ms, err := r.TimeMS(s)
		must(t, err)
		n.times = append(n.times, ms)
		must(t, r.Scan(s, all, func(x *engine.Entry) {
			f := x.Effect
			row := engine.InstitutionRow{Position: x.Position, TimeMS: x.TimeMS, Day: ledger.DayOf(x.TimeMS), Sign: 1, Patient: f.Patient, Settled: x.Position, SettledMS: x.TimeMS}
			switch {
			case f.Kind == ledger.KindClearing:
				n.clearings[f.Institution] = append(n.clearings[f.Institution], engine.InstitutionClearing{Number: number, Clearing: ledger.Clearing{Amount: x.Command.Amount,
					At: x.Position, Institution: f.Institution, From: x.Command.More.Clearing.From, To: x.Command.More.Clearing.To, ClrType: x.Command.More.Clearing.ClrType}})
				number++
				return
			case f.Kind == ledger.KindSettlement:
				row.Area, row.Own, row.Mulaid, row.Cash, row.Bill = f.Area, f.Own, f.Mulaid, f.Cash, x.Command.Bill
				settled[x.Position] = row
			case f.Kind.IsReversal():
				was := settled[f.First]
				row.Sign, row.Void, row.Settled, row.SettledMS = -1, f.Void, was.Position, was.TimeMS
				if f.IsRedo() {
					row.Sign = 1
				}
				row.Area, row.Own, row.Mulaid, row.Cash, row.Bill = was.Area, was.Own, was.Mulaid, was.Cash, was.Bill
			default:
				return
			}
			n.rows[f.Institution] = append(n.rows[f.Institution], row)
		}))
	}
	return n
}

// category is a clearing category that depends on a row.
func category(r *engine.InstitutionRow) uint16 { return []uint16{11, 21, 41}[uint32(r.Settled)%3] }

// of is what InstitutionRows must give in the end.
func (n *naive) of(institution uint32, from, to int32, sequence uint64) (rows []engine.InstitutionRow) {
	undone, end := map[ledger.Position]engine.InstitutionRow{}, map[ledger.Position]ledger.Position{} // by what was undone; the last of each settlement's chain
	for _, r := range n.rows[institution] {
		if r.Position.Sequence() > sequence {
			break
		}
		if r.Position != r.Settled {
			undone[end[r.Settled]] = r
		}
		end[r.Settled] = r.Position
	}
	for _, r := range n.rows[institution] {
		if r.Day < from || r.Day > to || r.Position.Sequence() > sequence {
			continue
		}
		if u, found := undone[r.Position]; found {
			r.UndoneBy, r.Void = u.Position, r.Void || u.Void
		}
		for _, c := range n.clearings[institution] {
			if !r.Void && c.At.Sequence() <= sequence && c.From <= r.Day && r.Day <= c.To && (c.ClrType == 0 || c.ClrType == category(&r)) {
				r.Clearing = c.Number + 1
			}
		}
		rows = append(rows, r)
	}
	slices.Reverse(rows)
	return rows
}

// ask reads all rows in pieces of limit, each of which passes over at most skips entries. Details are not compared.
func ask(t *testing.T, e *engine.Engine, q engine.InstitutionQuery, skips int) (rows []engine.InstitutionRow, pieces int, sequence uint64) {
	t.Helper()
	q.ClrType = category
	for {
		out, err := e.LookRows(q, skips)
		must(t, err)
		for _, r := range out.Rows {
			r.Details, r.MedType, r.Insutype = rowDetails, 0, 0
			rows = append(rows, r)
		}
		pieces++
		if q.Sequence, q.Next = out.Sequence, out.Next; q.Next == 0 {
			return rows, pieces, q.Sequence
		}
	}
}

var rowDetails = engine.InstitutionRow{}.Details

// history runs batches of the model's generator with stops and crashes among them and calls look behind some.
func history(t *testing.T, seed uint64, count int, look func(e *engine.Engine, n int)) {
	g := model.NewGenerator(seed)
	var batches []model.Batch
	for _, s := range g.Setup() {
		batches = append(batches, s.Batch)
	}
	for n := range count {
		if n%3 == 0 {
			batches = append(batches, g.MixedBatch(40).Batch)
		} else {
			batches = append(batches, g.MoneyBatch(60).Batch)
		}
	}
	clock := &steppedClock{wall: batches[0].TimeMS}
	p := place{t, t.TempDir()}
	open := func(i int) *engine.Engine {
		return p.open(func(o *engine.Options) {
			o.Clock, o.Shards, o.CheckpointBytes, o.ShardedCommandsMin = clock, 1+i%4, int64(1+i)<<12, 1
		})
	}
	e := open(0)
	for i, b := range batches {
		if i%11 == 7 {
			if i%2 == 0 {
				must(t, e.Crash())
			} else {
				must(t, e.Close())
			}
			e = open(i)
			must(t, e.ConfirmClock())
		}
		clock.wall = b.TimeMS
		must(t, e.Housekeep())
		send(t, e, withoutDayKeys(b))
		look(e, i)
	}
	must(t, e.Close())
}

// payOut clears the last closed day with rows of every institution that is owed something: of one category, or of all.
func payOut(t *testing.T, e *engine.Engine) {
	t.Helper()
	for i, rows := range fold(t, e).rows {
		var code string
		through, owed := int32(0), false
		must(t, e.Ask(func(v engine.View) {
			row := v.State.Institutions.At(i)
			code, through, owed = string(row.Code.Bytes()), v.State.Scalars.At(0).ClosedThrough, row.Payable > 0
		}))
		day := int32(0)
		for _, r := range rows {
			if r.Day <= through {
				day = r.Day
			}
		}
		if owed && day != 0 {
			send(t, e, model.Batch{Commands: []model.Command{model.Clearing{Institution: code, From: day, To: day, ClrType: uint16(day%2) * 21, Amount: 1}}})
		}
	}
}

// TestInstitutionRows: R15, R16, R17: whatever is asked of an institution, in pieces of any size, now or as of an earlier batch, over crashes and restarts, is
// what a fold over the whole journal gives.
func TestInstitutionRows(t *testing.T) {
	rng := rand.New(rand.NewPCG(1, 2))
	seen := map[string]int{}
	history(t, 3, 90, func(e *engine.Engine, n int) {
		if n < 10 || n%5 != 0 {
			return
		}
		payOut(t, e)
		all := fold(t, e)
		newest := uint64(len(all.times) - 1)
		first, today := ledger.DayOf(all.times[1]), ledger.DayOf(all.times[newest])
		for range 40 {
			q := engine.InstitutionQuery{Institution: rng.Uint32N(6), From: first - 1 + rng.Int32N(today-first+3), Limit: 1 + rng.IntN(40)}
			q.To = q.From + rng.Int32N(today-first+2)
			switch rng.IntN(4) {
			case 0:
				q.To = q.From + rng.Int32N(2)
			case 1:
				q.Sequence = 1 + rng.Uint64N(newest)
			}
			got, pieces, sequence := ask(t, e, q, 1+rng.IntN(50))
			if q.Sequence == 0 && sequence != newest || q.Sequence != 0 && sequence != q.Sequence {
				t.Fatalf("asked at %d of %d, answered at %d", q.Sequence, newest, sequence)
			}
			if want := all.of(q.Institution, q.From, q.To, sequence); !slices.EqualFunc(got, want, func(a, b engine.InstitutionRow) bool { return reflect.DeepEqual(a, b) }) {
				t.Fatalf("batch %d: %+v\n%+v\nthe journal says\n%+v", n, q, got, want)
			}
			seen["pieces"] += pieces - 1
			for _, r := range got {
				seen["rows"]++
				for what, is := range map[string]bool{"void": r.Void && r.Sign > 0, "voiding": r.Void && r.Sign < 0, "reversals": !r.Void && r.Sign < 0,
					"undone": r.UndoneBy != 0 && !r.Void, "cleared": r.Clearing != 0, "across days": r.Sign < 0 && ledger.DayOf(r.SettledMS) != r.Day, "redone": r.Sign > 0 && r.Settled != r.Position && !r.Void,
					"void redos": r.Sign > 0 && r.Settled != r.Position && r.Void, "void cancels undone": r.Sign < 0 && r.Void && r.UndoneBy != 0} {
					if is {
						seen[what]++
					}
				}
			}
		}
		for i := range uint32(6) {
			checkPayable(t, e, all, i, newest)
			seen["seeks"] += checkSeeks(t, e, all, i, first-1, today+1)
			checkClearings(t, e, all, i, 1+rng.IntN(3), newest)
			checkClearings(t, e, all, i, 1+rng.IntN(3), 1+rng.Uint64N(newest))
		}
	})
	t.Logf("%v", seen)
	for _, what := range []string{"rows", "pieces", "seeks", "void", "voiding", "reversals", "undone", "cleared", "across days", "redone", "void redos", "void cancels undone"} {
		if seen[what] < 50 {
			t.Errorf("vacuous: %s: %d", what, seen[what])
		}
	}
}

// checkSeeks holds the keys that shorten the walk to a day against the rows: behind each day, whether there is a later row and what lies before the
// first of them.
func checkSeeks(t *testing.T, e *engine.Engine, all *naive, institution uint32, from, to int32) (keys int) {
	t.Helper()
	for day := from; day <= to; day++ {
		var want ledger.Position
		later := false
		for _, r := range all.rows[institution] {
			if later = r.Day > day; later {
				break
			}
			want = r.Position
		}
		got, found, err := e.DayAfter(institution, day)
		must(t, err)
		if found != later || found && got != want {
			t.Fatalf("institution %d behind day %d: %x %t, the journal says %x %t", institution, day, got, found, want, later)
		}
		if found {
			keys++
		}
	}
	return keys
}

// checkPayable: the rows that count come to what the institution is owed and was paid out: nothing is counted twice, and nothing left out (R15, R17).
func checkPayable(t *testing.T, e *engine.Engine, all *naive, institution uint32, newest uint64) {
	t.Helper()
	var rows, booked int64
	for _, r := range all.of(institution, -1<<31, 1<<31-1, newest) {
		if !r.Void {
			rows += int64(r.Sign) * (r.Own + r.Mulaid)
		}
	}
	must(t, e.Ask(func(v engine.View) { booked = v.State.Institutions.At(institution).Payable }))
	for _, c := range all.clearings[institution] {
		booked += c.Amount
	}
	if rows != booked {
		t.Fatalf("institution %d: its rows come to %d fen, owed and paid out are %d", institution, rows, booked)
	}
}

func checkClearings(t *testing.T, e *engine.Engine, all *naive, institution uint32, n int, sequence uint64) {
	t.Helper()
	var got, want []engine.InstitutionClearing
	for next, more := uint32(0), true; more; more = next != 0 {
		out, err := e.InstitutionClearings(engine.AskLimit, institution, sequence, next, n)
		must(t, err)
		for _, c := range out.List {
			c.Before = 0
			got = append(got, c)
		}
		next = out.Next
	}
	for _, c := range all.clearings[institution] {
		if c.At.Sequence() <= sequence {
			want = append(want, c)
		}
	}
	slices.Reverse(want)
	if !slices.Equal(got, want) {
		t.Fatalf("clearings of institution %d at %d: %+v, the journal says %+v", institution, sequence, got, want)
	}
}

// TestClosedDayNeverChanges: R15: what a day holds when it is closed, it holds behind every later batch, whatever is undone then; and while it is open a
// reversal by message makes a settlement of it void.
// T20: defect_day_end_old.
func TestClosedDayNeverChanges(t *testing.T) {
	type key struct {
		institution uint32
		day         int32
	}
	kept, same, undone := map[key][]engine.InstitutionRow{}, 0, 0
	var from, through int32
	history(t, 5, 60, func(e *engine.Engine, n int) {
		must(t, e.Ask(func(v engine.View) {
			if through = v.State.Scalars.At(0).ClosedThrough; from == 0 {
				from = ledger.DayOf(v.TimeMS)
			}
		}))
		for day := max(from, through-15); day <= through; day++ {
			for i := range uint32(6) {
				rows, _, _ := ask(t, e, engine.InstitutionQuery{Institution: i, From: day, To: day, Limit: 50}, 1)
				for j := range rows {
					if rows[j].UndoneBy != 0 && !rows[j].Void {
						undone++
					}
					rows[j].UndoneBy, rows[j].Clearing = 0, 0 // told beside it: what became of a row later
				}
				was, found := kept[key{i, day}]
				if !found {
					kept[key{i, day}] = rows
				} else if same += len(rows); !reflect.DeepEqual(was, rows) {
					t.Fatalf("batch %d: day %d of institution %d was closed with\n%+v, now\n%+v", n, day, i, was, rows)
				}
			}
		}
	})
	if same < 500 || undone < 20 {
		t.Fatalf("vacuous: %d rows seen again, %d undone after the close", same, undone)
	}
}

// TestInstitutionQueryRefused: places and sequences that are none, and institutions that are not there.
func TestInstitutionQueryRefused(t *testing.T) {
	looked := false
	history(t, 3, 12, func(e *engine.Engine, n int) {
		if n != 14 {
			return
		}
		looked = true
		all := fold(t, e)
		newest := uint64(len(all.times) - 1)
		good := engine.InstitutionQuery{To: 1<<31 - 1, From: -1 << 31, Limit: 10, Sequence: newest}
		var foreign ledger.Position
		for _, r := range all.rows[1] {
			foreign = r.Position
		}
		if len(all.rows[0]) == 0 || foreign == 0 {
			t.Fatal("vacuous: no rows")
		}
		for what, c := range map[string]struct {
			change func(*engine.InstitutionQuery)
			want   error
		}{
			"good":            {func(*engine.InstitutionQuery) {}, nil},
			"institution":     {func(q *engine.InstitutionQuery) { q.Institution = 1 << 20 }, engine.ErrNoInstitution},
			"future":          {func(q *engine.InstitutionQuery) { q.Sequence = newest + 1 }, engine.ErrAhead},
			"place elsewhere": {func(q *engine.InstitutionQuery) { q.Next = foreign }, engine.ErrCursor},
			"no such place":   {func(q *engine.InstitutionQuery) { q.Next = ledger.At(1, 1<<19) }, engine.ErrCursor},
			"place ahead":     {func(q *engine.InstitutionQuery) { q.Next = ledger.At(newest+1, 0) }, engine.ErrCursor},
			"place alone":     {func(q *engine.InstitutionQuery) { q.Sequence, q.Next = 0, all.rows[0][0].Position }, engine.ErrCursor},
		} {
			q := good
			c.change(&q)
			if _, err := e.InstitutionRows(engine.AskLimit, q); !errors.Is(err, c.want) {
				t.Errorf("%s: %v, want %v", what, err, c.want)
			}
		}
		for _, limit := range []int{0, -1, engine.InstitutionRowsMax + 1} {
			if _, err := e.InstitutionRows(engine.AskLimit, engine.InstitutionQuery{Limit: limit}); err == nil {
				t.Errorf("%d rows were allowed", limit)
			}
		}
		if _, err := e.InstitutionClearings(engine.AskLimit, 0, 0, 1<<20, 10); !errors.Is(err, engine.ErrCursor) {
			t.Error(err)
		}
		if _, err := e.InstitutionClearings(engine.AskLimit, 1<<20, 0, 0, 10); !errors.Is(err, engine.ErrNoInstitution) {
			t.Error(err)
		}
		if _, err := e.InstitutionClearings(engine.AskLimit, 0, newest+1, 0, 10); !errors.Is(err, engine.ErrAhead) {
			t.Error(err)
		}
	})
	if !looked {
		t.Fatal("vacuous: no ledger was asked")
	}
}
