package state

import (
	"crypto/sha256"
	"encoding/binary"
	"fmt"
	"math/rand/v2"
	"testing"

	"github.com/cockroachdb/pebble/v2/vfs"

	"gongji/engine/journal"
	"gongji/engine/ledger"
	"gongji/engine/state/idindex"
)

// world is a log: batches of commands that use every table, drawn from a seed. What the log must lead to is worked out on a reference that
// shares neither store, id table, journal nor hash with the code under test.
type world struct {
	batches [][]ledger.Command
	hashes  [][32]byte      // after batch i+1
	links   []journal.Link  // likewise
	totals  []ledger.Totals // likewise
	freed   bool            // rows of visits or lines were free after a batch
}

const worldTimeMS = 1_770_000_000_000

func timeOf(sequence uint64) int64 { return worldTimeMS + int64(sequence)*3_600_000 }

func newWorld(t testing.TB, seed uint64, batches, commands int) *world {
	g := &generator{r: rand.New(rand.NewPCG(seed, 0))}
	w := &world{}
	ref := newReference()
	for sequence := uint64(1); sequence <= uint64(batches); sequence++ {
		var list []ledger.Command
		if sequence == 1 {
			list = g.first()
		} else {
			if sequence == 2 {
				list = g.second()
			}
			for range g.r.IntN(2 * commands) {
				list = append(list, g.command(sequence))
			}
		}
		w.batches = append(w.batches, list)
		ref.run(t, sequence, list)
		w.hashes, w.links = append(w.hashes, naiveHash(ref.state)), append(w.links, ref.chain)
		w.totals = append(w.totals, ref.state.Totals())
		rows := ref.state.Scalars.At(0).Visits
		w.freed = w.freed || rows.FreeVisit != 0 || rows.FreeLine != 0
	}
	g.check(t, ref.state)
	return w
}

// generator draws commands.
type generator struct {
	r            *rand.Rand
	persons      int
	institutions int
	runs         int
	ids          int
	settled      []ledger.Position
	visits       []opened
	last         uint64
	index        int
}

// opened is a visit that was asked for.
type opened struct {
	at     ledger.Position
	person int
	lines  int
}

func key(kind string, n int) ledger.Key { return ledger.K([]byte(kind), fmt.Append(nil, n)) }

func (g *generator) first() []ledger.Command {
	policy := ledger.Policy{Version: 1, EffectiveFrom: timeOf(1) + 1, Strategy: ledger.Allocated, MaxFamilies: 1, PausedMoneyUsable: 1, SelfFirst: 1, UserMayUnbind: 1, Parts: 15, Places: 3, Relations: 1<<1 | 1<<2, Channels: 2, Logins: [4]uint32{2},
		PasswordTries: 3, LockMinutes: 90, PremiumTypes: 1,
		RegistrationDays: 1, RegistrationKeep: 1, StayKeep: 2, OpenVisits: 5, VisitLines: 30, VisitRows: 1000}
	list := []ledger.Command{{Kind: ledger.KindGenesis, More: &ledger.More{Ledger: [16]byte{1}}}, {Kind: ledger.KindPolicy, More: &ledger.More{Policy: policy}}}
	for range 3 {
		list = append(list, g.institution())
	}
	for range 40 {
		list = append(list, g.person())
	}
	for p := range 5 {
		list = append(list, ledger.Command{Kind: ledger.KindCredit, Person: key("psn", p), Amount: 10_000, Source: 3})
	}
	return list
}

// second moves money through every kind of account: a bill and a premium that a person insured elsewhere pays, a debit and a payout.
func (g *generator) second() []ledger.Command {
	var list []ledger.Command
	yesterday := ledger.DayOf(timeOf(2)) - 1
	for n := range 5 {
		list = append(list, ledger.Command{Kind: ledger.KindFamilyOpen, Person: key("psn", n), Channel: 1, More: &ledger.More{}})
	}
	list = append(list, []ledger.Command{
		{Kind: ledger.KindBinding, Person: key("psn", 0), Other: key("cert", 5), Relation: 1, Channel: 1, Login: 1, More: &ledger.More{}},
		{Kind: ledger.KindSettlement, Person: key("psn", 5), Other: key("cert", 5), Institution: code(0), UsedFlag: 1, Bill: ledger.BillInput{Medfee: 700, Inscp: 700}},
		{Kind: ledger.KindPremium, Person: key("psn", 0), Other: key("psn", 5), Source: 1, Period: 2026, Amount: 400},
		{Kind: ledger.KindAccountDebit, Person: key("psn", 0), Other: key("opter", 1), Second: key("opter", 2), Source: ledger.DebitCashOut, Amount: 100},
		{Kind: ledger.KindSettlement, Person: key("psn", 1), Other: key("cert", 1), Institution: code(0), UsedFlag: 1, Bill: ledger.BillInput{Medfee: 70, Inscp: 70}},
		{Kind: ledger.KindDayClose, Day: yesterday, More: &ledger.More{}},
		{Kind: ledger.KindClearing, Institution: code(0), Amount: 20, More: &ledger.More{Clearing: ledger.ClearingDays{From: yesterday, To: yesterday}}},
	}...)
	g.last, g.index = 2, len(list)
	return list
}

func (g *generator) institution() ledger.Command {
	g.institutions++
	return ledger.Command{Kind: ledger.KindInstitutionAdd, Institution: code(g.institutions - 1), InstitutionOf: uint8(1 + g.r.IntN(2)), Area: 991000, More: &ledger.More{}}
}

func code(n int) ledger.Code { return ledger.NewCode(fmt.Appendf(nil, "P%05d", n)) }

func (g *generator) person() ledger.Command {
	n := g.persons
	g.persons++
	return ledger.Command{Kind: ledger.KindPerson, Person: key("psn", n), Other: key("cert", n), Birth: -3000, Area: 991000, Has: ledger.HasAccount,
		More: &ledger.More{Enrolments: []ledger.Enrolment{{Insutype: ledger.InsutypeEmployee, Status: 1, Begin: 1, Area: 420100 + 100*uint32(n%3)}}}}
}

func (g *generator) somebody() int { return g.r.IntN(g.persons) }

func (g *generator) newID(c *ledger.Command) {
	n := g.ids
	if g.r.IntN(10) == 0 && n > 0 { // a repeat, or another command with the same id
		n = g.r.IntN(n)
	} else {
		g.ids++
	}
	c.ID, c.Digest = key("msg", n), uint64(n)*7+uint64(c.Kind)
}

func (g *generator) command(sequence uint64) ledger.Command {
	if sequence != g.last {
		g.last, g.index = sequence, 0
	}
	at := ledger.At(sequence, g.index)
	g.index++
	c := g.draw(sequence)
	if c.Kind.IsMoney() || c.Kind == ledger.KindBinding {
		g.newID(&c)
	}
	if c.Kind == ledger.KindSettlement {
		g.settled = append(g.settled, at)
	}
	if c.Kind == ledger.KindVisitOpen {
		g.visits[len(g.visits)-1].at = at
	}
	return c
}

func (g *generator) draw(sequence uint64) ledger.Command {
	p := g.somebody()
	if g.r.IntN(8) == 0 {
		return g.visit(p)
	}
	switch x := g.r.IntN(100); {
	case x < 4:
		return g.person()
	case x < 5:
		return g.institution()
	case x < 8:
		return ledger.Command{Kind: ledger.KindBinding, Person: key("psn", p%5), Other: key("cert", g.somebody()), Relation: 1, Channel: 1, Login: 1, More: &ledger.More{}}
	case x < 9:
		return ledger.Command{Kind: ledger.KindUnbinding, Person: key("psn", p%5), Channel: 1, More: &ledger.More{Bindings: []uint32{g.r.Uint32N(40), g.r.Uint32N(40)}}}
	case x < 10:
		return ledger.Command{Kind: ledger.KindFamilyOpen, Person: key("psn", p%5), Channel: 1, More: &ledger.More{}}
	case x < 13:
		return ledger.Command{Kind: ledger.KindAllocation, Person: key("psn", p%5), Channel: 1, Amount: 1 + g.r.Int64N(50)}
	case x < 14:
		g.runs++
		return ledger.Command{Kind: ledger.KindRunOpen, Other: key("run", g.runs), Source: 2, Period: uint32(g.runs), Count: 5, Amount: 5000, More: &ledger.More{}}
	case x < 15:
		day := int32(g.r.IntN(100_000))
		return ledger.Command{Kind: ledger.KindDayKey, Day: day, More: &ledger.More{Hash: sha256.Sum256([]byte{byte(day)}), Sealed: []byte("sealed")}}
	case x < 30:
		c := ledger.Command{Kind: ledger.KindCredit, Person: key("psn", p), Amount: 1 + g.r.Int64N(5000), Source: 1, Period: uint32(g.r.IntN(4))}
		if g.r.IntN(3) == 0 && g.runs > 0 {
			c.Other = key("run", 1+g.r.IntN(g.runs))
		}
		return c
	case x < 36 && len(g.settled) > 0:
		return ledger.Command{Kind: ledger.KindReversalByID, Settlement: g.settled[g.r.IntN(len(g.settled))], Institution: code(g.r.IntN(2)), Person: key("psn", p)}
	case x < 37: // a position of the future: replay must not know better than the first run
		return ledger.Command{Kind: ledger.KindReversalByID, Settlement: ledger.At(sequence+1+g.r.Uint64N(20), g.r.IntN(8)), Institution: code(g.r.IntN(2)), Person: key("psn", p)}
	case x < 44 && g.ids > 0:
		return ledger.Command{Kind: ledger.KindReversalByMessage, Other: key("msg", g.r.IntN(g.ids+3)), Original: ledger.OriginalSettlement, Institution: code(g.r.IntN(2)), Person: key("psn", p)}
	}
	if x := g.r.IntN(20); x == 0 {
		return ledger.Command{Kind: ledger.KindCredential, Person: key("psn", p), Other: key("card", p%8), CredType: ledger.CredentialCard, More: &ledger.More{State: uint8(1 + g.r.IntN(2))}}
	} else if x == 1 {
		return ledger.Command{Kind: ledger.KindPassword, Person: key("psn", p), More: &ledger.More{Secret: ledger.Secret{Action: ledger.PasswordSet, New: key("password", p)}}}
	}
	amount := 1 + g.r.Int64N(900)
	var passwords ledger.Passwords
	for range g.r.IntN(ledger.PasswordsMax) { // one in ten is wrong
		a := g.somebody()
		passwords = passwords.Add(key("psn", a), key("password", a+g.r.IntN(10)/9))
	}
	return ledger.Command{Kind: ledger.KindSettlement, Person: key("psn", p), Other: key("cert", p), Institution: code(g.r.IntN(2)), UsedFlag: 1, Passwords: passwords,
		Bill: ledger.BillInput{Medfee: amount, Inscp: amount}}
}

// visit opens a visit, adds lines to one of the last, removes or settles them.
func (g *generator) visit(p int) ledger.Command {
	if len(g.visits) == 0 || g.r.IntN(4) == 0 {
		g.visits = append(g.visits, opened{person: p})
		return ledger.Command{Kind: ledger.KindVisitOpen, Person: key("psn", p), Other: key("cert", p), Institution: code(0), More: &ledger.More{Visit: ledger.VisitInput{Kind: ledger.VisitKind(1 + p%2)}}}
	}
	v := &g.visits[len(g.visits)-1-g.r.IntN(min(3, len(g.visits)))]
	c := ledger.Command{Person: key("psn", v.person), Institution: code(0), Visit: v.at, More: &ledger.More{}}
	switch x := g.r.IntN(8); {
	case x < 4:
		v.lines++
		c.Kind, c.More.Lines = ledger.KindLinesAdd, []ledger.LineInput{{Serial: uint64(v.lines), Count: 10_000, Amount: 50}}
	case x < 5:
		c.Kind = ledger.KindLinesRemove
		v.lines = 0
	case x < 6:
		c.Kind = ledger.KindVisitCancel
	default:
		c.Kind, c.More, c.UsedFlag, c.Other = ledger.KindSettlement, nil, 1, key("cert", v.person)
		c.Interim = true
		c.Bill = ledger.BillInput{Medfee: 50 * int64(max(1, v.lines)), Inscp: 50 * int64(max(1, v.lines))}
	}
	return c
}

// check refuses a world that leaves a table empty.
func (g *generator) check(t testing.TB, s *ledger.State) {
	t.Helper()
	for _, table := range tablesOf(s) {
		if table.count() == 0 {
			t.Fatalf("vacuous: no %s", table.name)
		}
	}
	if rows := s.Scalars.At(0).Visits; rows.Visits == 0 || rows.Lines == 0 {
		t.Fatalf("vacuous: %+v", rows)
	}
	if s.Totals().Personal == 0 || s.Totals().Family == 0 || s.Totals().Institution == 0 ||
		s.Totals().Premium == 0 || s.Totals().AreaOwed == 0 || s.Totals().FundBank == 0 || s.Totals().Sum() != 0 {
		t.Fatalf("vacuous: %+v", s.Totals())
	}
}

// reference runs the rules over a map of ids and effects kept in memory.
type reference struct {
	state   *ledger.State
	ids     mapIDs
	effects effectMap
	ledger  *ledger.Ledger
	chain   journal.Link
}

type mapIDs map[ledger.Key]ledger.IDEntry

func (m mapIDs) Find(k ledger.Key) (ledger.IDEntry, bool) { e, ok := m[k]; return e, ok }
func (m mapIDs) Insert(e ledger.IDEntry)                  { m[e.Key] = e }

type effectMap map[uint64]*ledger.Effects

func (m effectMap) Original(p ledger.Position) (ledger.Effect, []ledger.Leg, bool) {
	fx, ok := m[p.Sequence()]
	if !ok || p.Index() >= len(fx.List) {
		return ledger.Effect{}, nil, false
	}
	f := fx.List[p.Index()]
	f.Day = ledger.DayOf(timeOf(p.Sequence()))
	return f, fx.LegsOf(&f), true
}

func newReference() *reference {
	f := &reference{state: ledger.NewState(ledger.Shifts{Person: 2, Institution: 1, Family: 3}), ids: mapIDs{}, effects: effectMap{}}
	f.ledger = ledger.New(f.state, f.ids, f.effects)
	return f
}

func (f *reference) run(t testing.TB, sequence uint64, list []ledger.Command) {
	fx := execute(f.ledger, f.state, sequence, list)
	f.effects[sequence] = fx
	f.chain = f.chain.Next(journal.Append(nil, sequence, timeOf(sequence), fx))
	var sum ledger.IDSum
	for _, e := range f.ids {
		sum.AddEntry(&e)
	}
	f.state.Scalars.Mut(0).Ids = sum
}

func execute(l *ledger.Ledger, s *ledger.State, sequence uint64, list []ledger.Command) *ledger.Effects {
	c := ledger.NewContext(s, sequence, timeOf(sequence), nil)
	fx := &ledger.Effects{}
	fx.Reset(len(list), 0)
	for i := range list {
		l.Apply(&c, &list[i], i, fx)
	}
	return fx
}

// naiveHash is the state hash by its definition, field by field.
func naiveHash(s *ledger.State) (out [32]byte) {
	h := sha256.New()
	write := func(v any) {
		if err := binary.Write(h, binary.LittleEndian, v); err != nil {
			panic(err)
		}
	}
	h.Write([]byte("gongji state 0"))
	write(uint32(0))
	naiveTable(write, 1, s.Persons)
	naiveTable(write, 2, s.Institutions)
	naiveTable(write, 3, s.Bindings)
	naiveTable(write, 4, s.Families)
	naiveTable(write, 5, s.Runs)
	naiveTable(write, 6, s.Policies)
	naiveTable(write, 7, s.DayKeys)
	naiveTable(write, 8, s.Scalars)
	naiveTable(write, 9, s.AreaDues)
	naiveTable(write, 10, s.Credentials)
	naiveTable(write, 11, s.Passwords)
	naiveTable(write, 12, s.Clearings)
	naiveTable(write, 13, s.Visits)
	naiveTable(write, 14, s.FeeLines)
	naiveTable(write, 15, s.Summaries)
	naiveTable(write, 16, s.BindingTails)
	h.Sum(out[:0])
	return out
}

func naiveTable[T any](write func(any), id uint8, t *ledger.Table[T]) {
	write(id)
	write(t.Len())
	for i := range t.Len() {
		write(t.At(i))
	}
}

// node is the code under test: store, tables, ids and journal.
type node struct {
	t        testing.TB
	w        *world
	store    *Store
	state    *ledger.State
	ids      *IDs
	journal  *journal.Journal
	ledger   *ledger.Ledger
	chain    journal.Link
	sequence uint64
	current  *Checkpoint
	loaded   Loaded
}

var testIdentity = Identity{Ledger: [16]byte{1}, Directory: [16]byte{2}}

func testOptions(fs vfs.FS) Options {
	return Options{Identity: testIdentity, Build: "test", FS: fs, MemTableBytes: 256 << 10, Exit: func(reason string) { panic(reason) }}
}

// smallIndex seals and merges often.
var smallIndex = idindex.Options{Capacity: 64, Parts: 4, BlockEntries: 8, FanIn: 2, FilterBytesMax: 4 << 10}

var smallShifts = ledger.Shifts{Person: 3, Institution: 1, Family: 2}

func openNode(t testing.TB, w *world, o Options, shifts ledger.Shifts) *node {
	t.Helper()
	s, err := Open("state", o)
	if err != nil {
		t.Fatal(err)
	}
	n := &node{t: t, w: w, store: s}
	if n.state, n.loaded, err = s.Load(LoadOptions{Shifts: shifts}); err != nil {
		t.Fatal(err)
	}
	if n.ids, err = s.OpenIDs(&n.loaded, smallIndex); err != nil {
		t.Fatal(err)
	}
	n.sequence, n.chain = n.loaded.Sequence, n.loaded.EffectChain
	n.journal = journal.New(s.DB(), n.sequence)
	n.ledger = ledger.New(n.state, n.ids, n.journal)
	return n
}

// step runs the next batch.
func (n *node) step() {
	n.t.Helper()
	n.sequence++
	list := n.w.batches[n.sequence-1]
	var keys []ledger.Key
	for i := range list {
		if i%2 == 0 { // the other half is read in the middle of the batch
			keys = append(keys, list[i].ID)
		}
	}
	n.must(n.ids.PrefetchKeys(keys))
	fx := execute(n.ledger, n.state, n.sequence, list)
	n.must(n.ids.Flush(n.state))
	block := journal.Append(nil, n.sequence, timeOf(n.sequence), fx)
	n.chain = n.chain.Next(block)
	n.must(n.journal.Write(n.sequence, block))
	for i := range fx.List {
		if f := &fx.List[i]; f.Kind == ledger.KindPerson && f.Outcome == ledger.Accepted {
			n.store.PutPerson(f.Number, PersonRecord{PsnNo: fmt.Append(nil, f.Number), Birth: -3000, CertType: 1, Sex: 2, Blob: []byte("blob")})
		}
	}
	n.must(n.store.FlushRecords())
}

func (n *node) must(err error) {
	n.t.Helper()
	if err != nil {
		n.t.Fatal(err)
	}
}

// begin takes a checkpoint after the last batch.
func (n *node) begin() {
	n.t.Helper()
	var err error
	n.current, err = n.store.Begin(n.state, n.ids, n.mark())
	n.must(err)
}

func (n *node) mark() Mark {
	m := Mark{Sequence: n.sequence, TimeMS: timeOf(n.sequence), EffectChain: n.chain}
	binary.LittleEndian.PutUint64(m.WalLink[:], n.sequence)
	return m
}

func (n *node) end() {
	n.t.Helper()
	if n.current != nil {
		n.must(n.current.End())
		n.current = nil
	}
}

// checkpoint waits for one.
func (n *node) checkpoint() {
	n.t.Helper()
	n.end()
	n.begin()
	n.end()
}

// check compares tables, digests and loaded mark with the reference.
func (n *node) check() {
	n.t.Helper()
	if n.sequence == 0 {
		if n.chain != (journal.Link{}) || naiveHash(n.state) != naiveHash(ledger.NewState(smallShifts)) {
			n.t.Fatal("a fresh state is not empty")
		}
		return
	}
	if got := naiveHash(n.state); got != n.w.hashes[n.sequence-1] {
		n.t.Fatalf("sequence %d: state hash %x, want %x", n.sequence, got, n.w.hashes[n.sequence-1])
	}
	if n.chain != n.w.links[n.sequence-1] {
		n.t.Fatalf("sequence %d: effect chain %x, want %x", n.sequence, n.chain, n.w.links[n.sequence-1])
	}
	if l := &n.loaded; l.Sequence == n.sequence && (l.StateHash != n.w.hashes[n.sequence-1] || l.Totals != n.w.totals[n.sequence-1] ||
		l.TimeMS != timeOf(n.sequence) || binary.LittleEndian.Uint64(l.WalLink[:]) != n.sequence) {
		n.t.Fatalf("loaded %+v", l.Info)
	}
}

// replay runs the rest of the log and checks the end.
func (n *node) replay() {
	n.t.Helper()
	for n.sequence < uint64(len(n.w.batches)) {
		n.step()
	}
	n.check()
	n.must(n.ids.Verify(n.state))
}

func (n *node) close() {
	n.t.Helper()
	n.end()
	n.must(n.ids.Close())
	n.must(n.store.Close())
}
