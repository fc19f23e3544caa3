package history

import (
	"errors"
	"fmt"
	"math/rand/v2"
	"slices"
	"sync"
	"testing"

	"gongji/api/money"
	"gongji/bench/proof"
	"gongji/engine"
	"gongji/engine/ledger"
)

// snapshot is everything at one sequence, as a reader was told.
type snapshot struct {
	way      string
	sequence uint64
	sums     ledger.Totals
	least    int64 // the smallest balance of a personal account; of a fold over all rows only
	accounts int   // that were added up; 0: the ledger did it
}

// ways to look at everything: a fold over all rows in one turn of the executor, the engine's totals at the newest sequence, the same through /v1.
var ways = []func(w *world, m *machine) (snapshot, error){
	func(_ *world, m *machine) (s snapshot, err error) {
		s.way = "fold"
		err = m.engine.Ask(func(v engine.View) { s.fold(v) })
		return s, err
	},
	func(_ *world, m *machine) (s snapshot, err error) {
		t, err := m.engine.Totals(engine.AskLimit, 0)
		return snapshot{way: "totals", sequence: t.Sequence, sums: t.Sums}, err
	},
	func(_ *world, m *machine) (s snapshot, err error) {
		var body struct {
			Sequence uint64            `json:"sequence"`
			Sum      string            `json:"sum"`
			Totals   map[string]string `json:"totals"`
		}
		if err := getJSON(m, m.admin+"/v1/ledger/totals", &body); err != nil {
			return s, err
		}
		s.way, s.sequence = "http", body.Sequence
		for name, to := range map[string]*int64{"personal": &s.sums.Personal, "family": &s.sums.Family, "institution_payable": &s.sums.Institution, "premium_payable": &s.sums.Premium,
			"area_owed": &s.sums.AreaOwed, "area_claimed": &s.sums.AreaClaimed, "fund_bank": &s.sums.FundBank, "funding": &s.sums.Funding} {
			if *to, err = fenOf(body.Totals[name]); err != nil {
				return s, err
			}
		}
		if body.Sum != "0.00" {
			err = fmt.Errorf("sum %s", body.Sum)
		}
		return s, err
	},
}

func fenOf(text string) (int64, error) {
	if len(text) > 0 && text[0] == '-' {
		n, err := money.Parse(text[1:])
		return -n, err
	}
	return money.Parse(text)
}

// fold adds up all rows by itself, without ledger.State.Totals.
func (s *snapshot) fold(v engine.View) {
	s.sequence, s.least = v.Sequence, 1<<62
	for i := range v.State.Persons.Len() {
		row := v.State.Persons.At(i)
		s.sums.Personal, s.least = s.sums.Personal+row.Balance, min(s.least, row.Balance)
		s.accounts++
	}
	for i := range v.State.Institutions.Len() {
		s.sums.Institution += v.State.Institutions.At(i).Payable
		s.accounts++
	}
	newest := map[[2]uint32]int64{} // of each pair of areas the newest row stands
	for i := range v.State.AreaDues.Len() {
		row := v.State.AreaDues.At(i)
		newest[[2]uint32{row.Owing, row.Claiming}] = row.Total
	}
	for _, n := range newest {
		s.sums.AreaOwed += n
		s.sums.AreaClaimed -= n
	}
	scalars := v.State.Scalars.At(0)
	for _, n := range scalars.Funding {
		s.sums.Funding += n
	}
}

// observe looks at everything again and again. A reader also settles, and must find his own settlement in what he sees next (P12).
func (w *world) observe(reader, snapshots, calls int, crash func(n int)) (list []snapshot, err error) {
	c := &caller{w: w, number: clients + reader, r: rand.New(rand.NewPCG(w.seed, uint64(reader)+500)), door: submitDoor{}}
	for n := 0; (len(list) < snapshots || w.taken.Load() < int64(calls)) && !w.stop.Load(); n++ {
		crash(n)
		m := w.machine.Load()
		own, known := w.quiet(c, m)
		s, err := ways[(n+reader)%len(ways)](w, m)
		if m.cut.Load() {
			<-m.gone
			continue // nobody saw it
		}
		if errors.Is(err, errBusy) || errors.Is(err, engine.ErrStalled) {
			continue
		}
		if err != nil {
			return list, err
		}
		if known && s.sequence < own {
			return list, fmt.Errorf("%s at %d does not hold the own settlement answered at %d", s.way, s.sequence, own)
		}
		if s.sums.Sum() != 0 || s.least < 0 {
			return list, fmt.Errorf("%s at %d: sum %d, least balance %d, %+v", s.way, s.sequence, s.sums.Sum(), s.least, s.sums)
		}
		list = append(list, s)
	}
	return list, nil
}

// quiet is a settlement that no book is kept of; it tells where it was answered.
func (w *world) quiet(c *caller, m *machine) (sequence uint64, known bool) {
	f := w.family[c.r.IntN(w.families)]
	number := slices.Index(w.family, f)
	a, fate, err := c.door.do(m, &Call{Kind: Settle, Family: number, ID: 700_000 + c.number*10_000 + c.copies, Member: c.r.IntN(Members), Amount: 1}, false)
	c.copies++
	return a.Sequence, err == nil && fate == answered && !m.cut.Load()
}

// TestBank (T8; P1, P2, P11, P12): while 16 callers settle, reverse, credit and bind, readers see everything at one sequence: all kinds add up to 0, nobody is below
// 0, what a reader did himself is in it, and each snapshot is to the fen what the log up to its sequence adds up to; also with slow syncs and across power cuts.
func TestBank(t *testing.T) {
	const readers = 4
	for i, c := range []struct {
		name    string
		crashes int
		lag     int
	}{{"bank", 0, 0}, {"bank-slow-sync", 0, 20}, {"bank-crash", 5, 0}} {
		t.Run(c.name, func(t *testing.T) {
			p := plan{shards: 1 << i, families: proof.Of(200)}
			var f faults
			if c.lag > 0 {
				f.gate = newGate(c.lag)
				p.log = f.gate.log
			}
			f.keep = 2
			w := newWorld(t, "T8", c.name, uint64(100+i), p, f, 1<<20, httpDoor{}, submitDoor{})
			defer w.end()
			each := proof.Of(400) / readers
			calls := proof.Of(20_000)
			lists := w.bank(readers, each, calls, c.crashes)
			skew := w.skew(lists)
			l := w.begun.AtLeast("snapshots", int64(len(lists)), int64(each*readers)).AtLeast("calls", w.taken.Load(), int64(calls)).Zero("skew", skew)
			byWay := map[string]int{}
			for _, s := range lists {
				byWay[s.way]++
			}
			for _, way := range []string{"fold", "totals", "http"} {
				l.AtLeast(way, int64(byWay[way]), int64(each/2))
			}
			if c.crashes > 0 {
				l.Fault("crash", int64(w.crashes))
			}
			if c.lag > 0 {
				l.Fault("sync", int64(f.gate.held))
			}
			l.Print(t)
		})
	}
}

// bank runs callers and readers until each reader has seen enough.
func (w *world) bank(readers, each, calls, crashes int) (all []snapshot) {
	w.t.Helper()
	var looking sync.WaitGroup
	lists := make([][]snapshot, readers)
	for i := range readers {
		looking.Go(func() {
			list, err := w.observe(i, each, calls, func(n int) {
				if i == 0 && crashes > 0 && n%max(1, each/(crashes+1)) == 0 && n > 0 && w.crashes < crashes {
					r := rand.New(rand.NewPCG(w.seed, uint64(n)))
					w.crash(r, r.IntN(w.keep+1), r.IntN(80))
				}
			})
			if err != nil {
				w.fail(err)
			}
			lists[i] = list
		})
	}
	done := make(chan struct{})
	go func() {
		defer close(done)
		looking.Wait()
		w.enough.Store(true)
	}()
	w.run()
	<-done
	return slices.Concat(lists...)
}

// skew adds up the log and counts the fen by which snapshots differ from it.
func (w *world) skew(list []snapshot) (skew int64) {
	w.t.Helper()
	slices.SortFunc(list, func(a, b snapshot) int { return int(int64(a.sequence) - int64(b.sequence)) })
	e := w.machine.Load().engine
	var personal, institution int64
	next := 0
	until := func(sequence uint64) { // snapshots of sequences below it have all of their log behind them
		for ; next < len(list) && list[next].sequence < sequence; next++ {
			skew += max(personal-list[next].sums.Personal, list[next].sums.Personal-personal) + max(institution-list[next].sums.Institution, list[next].sums.Institution-institution)
		}
	}
	for after := ledger.Position(0); ; {
		feed, err := e.Events(after, engine.EventsMax, func(f *ledger.Effect, _ *ledger.Effects) bool { return f.LegCount > 0 })
		must(w.t, err)
		for i := range feed.Entries {
			x := &feed.Entries[i]
			until(x.Position.Sequence())
			var sum int64
			for _, l := range x.Legs {
				sum += l.Amount
			}
			if personal += sum; x.Effect.Kind != ledger.KindCredit {
				institution -= sum
			}
		}
		if after = feed.Next; !feed.More {
			until(1 << 62)
			return skew
		}
	}
}
