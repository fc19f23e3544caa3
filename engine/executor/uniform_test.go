package executor_test

import (
	"crypto/sha256"
	"encoding/binary"
	"flag"
	"fmt"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"

	"gongji/bench/proof"
	"gongji/engine/command"
	"gongji/engine/executor"
	"gongji/engine/ledger"
)

// t6Draws is how many draws each grouping gets in a full run (T6): 60,000 catch a bias of 10 % almost surely; a soak runs -t6 1000000.
const t6Draws = 60_000

var t6 = flag.Int("t6", proof.Of(t6Draws), "draws per number of authorizers in TestUniform")

const (
	t6Shards = 8
	t6Batch  = 1_000
	t6Pool   = 400 // people who share
)

// t6World is a population of families for the draws: authorizers whose order by binding age, account number, partition and balance have
// nothing to do with one another. Every second family also has an authorizer without money, who is drawn and skipped.
type t6World struct {
	state    *ledger.State
	ids      *tableIDs
	rng      *rand.Rand
	families [][]*t6Family // by k
	people   int
	number   uint64 // of the next message id
	opened   executor.Batch
	effects  ledger.Effects
}

type t6Family struct {
	family
	patient     int
	authorizers []uint32 // with money, in binding order
}

func (w *t6World) apply(c *ledger.Context, cmd ledger.Command) {
	var fx ledger.Effects
	fx.Reset(1, 0)
	ledger.New(w.state, w.ids, newHistory()).Apply(c, &cmd, 0, &fx)
	if fx.List[0].Outcome != ledger.Accepted {
		panic(fmt.Sprint(cmd.Kind, fx.List[0].Outcome))
	}
}

const t6Time = 1_768_406_400_000

func newT6World() *t6World {
	w := &t6World{state: ledger.NewState(ledger.Shifts{}), ids: newTableIDs(1 << 17), rng: rand.New(rand.NewPCG(6, 6)), families: make([][]*t6Family, 7)}
	c := ledger.NewContext(w.state, 1, t6Time, nil)
	w.apply(&c, ledger.Command{Kind: ledger.KindPolicy, More: &ledger.More{Policy: ledger.Policy{EffectiveFrom: t6Time, Version: 1, Strategy: ledger.Random, SelfFirst: 1,
		Parts: 3, Places: 3, Relations: 1 << 5, Channels: 1 << 1, Logins: [ledger.Logins]uint32{1 << 1}}}})
	c = ledger.NewContext(w.state, 1, t6Time, nil)
	for i := range t6Institutions {
		w.apply(&c, ledger.Command{Kind: ledger.KindInstitutionAdd, Institution: t6Code(i), InstitutionOf: 2})
	}
	for i, rank := range w.rng.Perm(t6Pool) {
		w.person(&c)
		if i < t6Pool-1 { // the last one stays at 0
			w.apply(&c, ledger.Command{Kind: ledger.KindCredit, Person: personKey(i), Amount: int64(rank+1) * 1_000_000_000, Source: 2})
		}
	}
	for k := 2; k <= 6; k++ {
		for n := range 20 {
			w.families[k] = append(w.families[k], w.newFamily(&c, k, n%2 == 1))
		}
	}
	return w
}

func t6Code(i int) ledger.Code { return ledger.NewCode(fmt.Appendf(nil, "P%011d", i)) }

func (w *t6World) person(c *ledger.Context) int {
	i := w.people
	w.people++
	w.apply(c, ledger.Command{Kind: ledger.KindPerson, Person: personKey(i), Other: credential(i), Has: ledger.HasAccount,
		More: &ledger.More{Enrolments: []ledger.Enrolment{{Insutype: ledger.InsutypeEmployee, Status: 1}}}})
	return i
}

// newFamily binds k people with money, of k different partitions, to a new patient.
func (w *t6World) newFamily(c *ledger.Context, k int, empty bool) *t6Family {
	f := &t6Family{family: family{k: k, previous: -1}, patient: w.person(c)}
	taken := map[uint32]bool{}
	for len(f.authorizers) < k {
		n := uint32(w.rng.IntN(t6Pool - 1))
		if taken[n%t6Shards] {
			continue
		}
		taken[n%t6Shards] = true
		f.authorizers = append(f.authorizers, n)
	}
	for i, n := range f.authorizers {
		if empty && i == k/2 {
			w.apply(c, ledger.Command{Kind: ledger.KindBinding, Person: personKey(t6Pool - 1), Other: credential(f.patient), Relation: 5, Channel: 1, Login: 1, More: &ledger.More{}})
		}
		w.apply(c, ledger.Command{Kind: ledger.KindBinding, Person: personKey(int(n)), Other: credential(f.patient), Relation: 5, Channel: 1, Login: 1, More: &ledger.More{}})
	}
	for l, key := range [labelCount]func(n uint32) int64{byBinding: func(n uint32) int64 { return int64(slices.Index(f.authorizers, n)) },
		byNumber: func(n uint32) int64 { return int64(n) }, byPartition: func(n uint32) int64 { return int64(n % t6Shards) },
		byBalance: func(n uint32) int64 { return w.state.Persons.At(n).Balance }} {
		for _, n := range f.authorizers {
			rank := 0
			for _, m := range f.authorizers {
				if key(m) < key(n) {
					rank++
				}
			}
			f.ranks[l] = append(f.ranks[l], rank)
		}
	}
	return f
}

// bill is one settlement of a batch, to find it again in the effects.
type t6Bill struct {
	f           *t6Family
	institution int
	own         int64 // fen in the own account
	index       int
}

// batch makes settlements of 3 fen by families of k; one in four gets 1 fen into the own account first.
func (w *t6World) batch(k, size int) (payload []byte, bills []t6Bill) {
	b := command.BeginBatch(nil)
	n := 0
	for range size {
		x := t6Bill{f: w.families[k][w.rng.IntN(len(w.families[k]))], institution: w.rng.IntN(t6Institutions)}
		if w.rng.IntN(4) == 0 {
			x.own = 1
			b = command.Append(b, &ledger.Command{Kind: ledger.KindCredit, Person: personKey(x.f.patient), Amount: 1, Source: 2}, &command.Details{})
			n++
		}
		w.number++
		x.index = n
		b = command.Append(b, &ledger.Command{Kind: ledger.KindSettlement, ID: ledger.K(binary.BigEndian.AppendUint64(nil, w.number)), Person: personKey(x.f.patient),
			Other: credential(x.f.patient), Institution: t6Code(x.institution), UsedFlag: 1, Bill: ledger.BillInput{Medfee: 3, Inscp: 3}}, &command.Details{MedType: 41})
		n++
		bills = append(bills, x)
	}
	command.EndBatch(b, n, t6Time)
	return b, bills
}

// order checks what every settlement owes its family (P9) and gives the drawn order of those with money.
func (x *t6Bill) order(t *testing.T, fx *ledger.Effects) (order []int) {
	t.Helper()
	f := &fx.List[x.index]
	for _, c := range fx.DrawOf(f) {
		if i := slices.Index(x.f.authorizers, c.Person); i >= 0 {
			order = append(order, i)
		}
	}
	legs := fx.LegsOf(f)
	if f.Outcome != ledger.Accepted || f.Own != x.own || f.Mulaid != 3-x.own || len(order) != x.f.k || len(legs) != 1+int(x.own) {
		t.Fatalf("settlement %+v, %d candidates with money of %d, legs %v", *f, len(order), x.f.k, legs)
	}
	if x.own > 0 && (legs[0].Account.Number() != uint32(x.f.patient) || legs[0].After != 0) {
		t.Fatalf("the own account was not emptied first: %v", legs)
	}
	if payer := legs[len(legs)-1].Account.Number(); payer != x.f.authorizers[order[0]] {
		t.Fatalf("person %d paid, drawn first was %d", payer, x.f.authorizers[order[0]])
	}
	return order
}

// TestUniform (T6, P9, P10, D2, D3): every authorizer is first debited equally often and, for up to four, every order comes equally often,
// whatever the draws are grouped by: binding age, account number, partition, balance, institution, the draw before; by the sharded executor and by the serial
// one. It must catch the seeded defects "modulo-biased draw" and "self not first when self is below 1 yuan".
func TestUniform(t *testing.T) {
	for _, name := range []string{"sharded", "serial"} {
		t.Run(name, func(t *testing.T) {
			l := proof.New("T6", "uniform-"+name)
			w := newT6World()
			store := executor.Store{State: w.state, IDs: w.ids, Originals: newHistory()}
			var x executor.Executor = executor.NewSerial(store)
			if name == "sharded" {
				x = executor.NewSharded(store, t6Shards, 1, 1<<20)
			}
			defer x.Close()
			w.uniform(t, l, x, name == "sharded")
			l.Print(t)
		})
	}
}

// uniform draws and judges.
func (w *t6World) uniform(t *testing.T, l *proof.Line, x executor.Executor, sharded bool) {
	t.Helper()
	sequence, draws, empties, groupings, beyond := uint64(1), 0, 0, 0, 0
	worst := 0.0
	var nearest string
	for k := 2; k <= 6; k++ {
		tally := newDrawTally(k)
		for done := 0; done < *t6; done += t6Batch {
			if done%t6Draws == 0 { // messages of before are not asked for again, and the table is small
				for i := range w.ids.parts {
					clear(w.ids.parts[i])
				}
			}
			sequence++
			fx, bills := w.draw(t, x, k, sequence)
			if sharded && x.Stats().Serial {
				t.Fatal("vacuous: the batch ran serially")
			}
			for i := range bills {
				tally.add(&bills[i].f.family, bills[i].institution, bills[i].order(t, fx))
				draws++
				if int(fx.List[bills[i].index].DrawCount) > k {
					empties++
				}
			}
		}
		bad, near := tally.judge(t)
		for name := range bad {
			t.Errorf("k=%d: %s is beyond its limit", k, name)
		}
		groupings, beyond = groupings+len(tally.groupings()), beyond+len(bad)
		if r := near.chi / near.limit; r > worst {
			worst, nearest = r, fmt.Sprintf("k=%d,%s,df=%d,chi2=%.1f,limit=%.1f", k, strings.ReplaceAll(near.name, " ", "-"), near.freedom, near.chi, near.limit)
		}
	}
	l.AtLeast("n", int64(*t6), int64(proof.Of(t6Draws))).AtLeast("draws", int64(draws), int64(5**t6)).AtLeast("with_empty_account", int64(empties), int64(*t6)).
		AtLeast("groupings", int64(groupings), 42).Zero("beyond", int64(beyond)).Word("nearest", nearest)
}

// draw runs one batch.
func (w *t6World) draw(t *testing.T, x executor.Executor, k int, sequence uint64) (*ledger.Effects, []t6Bill) {
	t.Helper()
	payload, bills := w.batch(k, t6Batch)
	if err := w.opened.Open(sequence, payload); err != nil {
		t.Fatal(err)
	}
	key := sha256.Sum256(binary.BigEndian.AppendUint64([]byte("day"), sequence/50))
	w.opened.DayKey = &key
	x.Execute(&w.opened, &w.effects)
	return &w.effects, bills
}
