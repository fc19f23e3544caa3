package executor_test

import (
	"encoding/binary"
	"fmt"
	"math/rand/v2"
	"slices"
	"syscall"
	"testing"

	"gongji/engine/command"
	"gongji/engine/executor"
	"gongji/engine/ledger"
	"gongji/engine/state/idindex"
)

// tableIDs is a fixed open-addressing id table a part: about what engine/state/idindex costs while nothing is sealed.
type tableIDs struct {
	parts [8][]ledger.IDEntry
	sums  [8]ledger.IDSum
}

func newTableIDs(perPart int) *tableIDs {
	t := &tableIDs{}
	for i := range t.parts {
		t.parts[i] = make([]ledger.IDEntry, perPart)
	}
	return t
}

func (t *tableIDs) Part(k ledger.Key) int { return int(k[0] >> 5) }

func (t *tableIDs) slot(k ledger.Key) *ledger.IDEntry {
	p := t.parts[t.Part(k)]
	mask := uint64(len(p) - 1)
	for i := binary.LittleEndian.Uint64(k[8:]) & mask; ; i = (i + 1) & mask {
		if p[i].Key == k || p[i].Key.IsZero() {
			return &p[i]
		}
	}
}

func (t *tableIDs) Find(k ledger.Key) (ledger.IDEntry, bool) {
	e := t.slot(k)
	return *e, !e.Key.IsZero()
}

func (t *tableIDs) Claim(cmd *ledger.Command, p ledger.Position, existing *ledger.IDEntry) (found bool) {
	if *existing, found = t.Find(cmd.ID); !found {
		t.Insert(ledger.IDEntry{Key: cmd.ID, Position: p, Digest: cmd.Digest, Tag: ledger.TagCommand})
	}
	return found
}

func (t *tableIDs) Ahead([]ledger.Command, int, int) {}

func (t *tableIDs) Insert(e ledger.IDEntry) {
	*t.slot(e.Key) = e
	t.sums[t.Part(e.Key)].AddEntry(&e)
}

func personKey(i int) ledger.Key {
	return ledger.K(binary.BigEndian.AppendUint64([]byte("person"), uint64(i)))
}

func credential(i int) ledger.Key {
	return ledger.K(binary.BigEndian.AppendUint64([]byte("card"), uint64(i)))
}

// benchState is a population of which half own an account and half have one to three authorizers.
func benchState(persons int) *ledger.State {
	s := ledger.NewState(ledger.DefaultShifts)
	s.Advise(idindex.AdviseHuge[ledger.Person], idindex.AdviseHuge[ledger.Binding], idindex.AdviseHuge[uint32]) // as engine/state does
	l := ledger.New(s, newTableIDs(1), newHistory())
	var fx ledger.Effects
	fx.Reset(1, 0)
	c := ledger.NewContext(s, 1, 1_768_406_400_000, nil)
	apply := func(cmd ledger.Command) {
		fx.Reset(1, 0)
		l.Apply(&c, &cmd, 0, &fx)
		if fx.List[0].Outcome != ledger.Accepted {
			panic(fmt.Sprint(cmd.Kind, fx.List[0].Outcome))
		}
	}
	apply(ledger.Command{Kind: ledger.KindPolicy, More: &ledger.More{Policy: ledger.Policy{EffectiveFrom: c.TimeMS, Version: 1, Strategy: ledger.Random, SelfFirst: 1,
		Parts: 3, Places: 3, Relations: 1 << 5, Channels: 2, Logins: [4]uint32{2}}}})
	c = ledger.NewContext(s, 1, c.TimeMS, nil)
	for i := range 2000 {
		apply(ledger.Command{Kind: ledger.KindInstitutionAdd, Institution: ledger.NewCode(fmt.Appendf(nil, "P%011d", i)), InstitutionOf: 2})
	}
	for i := range persons {
		cmd := ledger.Command{Kind: ledger.KindPerson, Person: personKey(i), Other: credential(i), More: &ledger.More{}}
		cmd.More.Enrolments = []ledger.Enrolment{{Insutype: 390, Status: 1}}
		if i%2 == 0 {
			cmd.Has = ledger.HasAccount
			cmd.More.Enrolments = []ledger.Enrolment{{Insutype: ledger.InsutypeEmployee, Status: 1}}
		}
		apply(cmd)
		if i%2 == 0 {
			apply(ledger.Command{Kind: ledger.KindCredit, Person: personKey(i), Amount: 400_000_00, Source: 2})
		}
	}
	for i := 1; i < persons; i += 2 {
		for k := range 1 + (i/2)%3 {
			apply(ledger.Command{Kind: ledger.KindBinding, Person: personKey((i + 1 + k*15838) % persons &^ 1), Other: credential(i), Relation: 5, Channel: 1, Login: 1, More: &ledger.More{}})
		}
	}
	return s
}

func benchBatch(rng *rand.Rand, persons, n int, id *uint64) []byte {
	b := command.BeginBatch(nil)
	for range n {
		p := rng.IntN(persons) &^ 1
		if rng.IntN(10) == 0 {
			p |= 1
		}
		*id++
		code := ledger.NewCode(fmt.Appendf(nil, "P%011d", rng.IntN(2000)))
		amount := int64(1 + rng.IntN(20_000))
		cmd := ledger.Command{Kind: ledger.KindSettlement, CredType: ledger.CredentialCertificate, ID: ledger.K(binary.BigEndian.AppendUint64(nil, *id)), Person: personKey(p), Other: credential(p),
			Institution: code, UsedFlag: 1, Bill: ledger.BillInput{Medfee: amount, Inscp: amount}}
		b = command.Append(b, &cmd, &command.Details{MedType: 41, Insutype: 310, Message: []byte("P4201000000120261122101500000123"[:30])})
	}
	command.EndBatch(b, n, 1_768_406_400_000)
	return b
}

// BenchmarkExecute is the executor alone, from memory: ns and bytes are per settlement; cpu-ns is processor time, quiet-ns its tenth percentile over
// slices of a few batches, which other work on the machine changes least. The money is put back between rounds by not counting
// on it: balances are far above what a run spends.
func BenchmarkExecute(b *testing.B) {
	const persons, size, batches, slice = 1_000_000, 4096, 64, 4
	state := benchState(persons)
	rng := rand.New(rand.NewPCG(1, 2))
	var id uint64
	var payloads [][]byte
	for range batches {
		payloads = append(payloads, benchBatch(rng, persons, size, &id))
	}
	key, sequence := [32]byte{1}, uint64(1) // goes on: an account's entries follow one another
	for _, shards := range []int{0, 1, 2} {
		b.Run(fmt.Sprintf("shards=%d", shards), func(b *testing.B) {
			ids := newTableIDs(1 << 17)
			store := executor.Store{State: state, IDs: ids, Originals: newHistory()}
			var x executor.Executor = executor.NewSerial(store)
			if shards > 0 {
				x = executor.NewSharded(store, shards, 1, 1)
			}
			defer x.Close()
			var batch executor.Batch
			var effects ledger.Effects
			n := 0
			var slots []int64
			began := cpu()
			last := began
			for b.Loop() {
				if n%batches == 0 {
					b.StopTimer()
					for i := range ids.parts {
						clear(ids.parts[i])
					}
					b.StartTimer()
				}
				sequence++
				if err := batch.Open(sequence, payloads[n%batches]); err != nil {
					b.Fatal(err)
				}
				batch.DayKey = &key
				x.Execute(&batch, &effects)
				if n++; n%slice == 0 {
					slots, last = append(slots, cpu()-last), cpu()
				}
			}
			b.ReportMetric(float64(b.Elapsed().Nanoseconds())/float64(n*size), "ns/settlement")
			b.ReportMetric(float64(cpu()-began)/float64(n*size), "cpu-ns/settlement")
			if slices.Sort(slots); len(slots) > 0 {
				b.ReportMetric(float64(slots[len(slots)/10])/float64(slice*size), "quiet-ns/settlement")
			}
			b.ReportMetric(100*float64(x.Stats().Contested)/size, "contested-%")
		})
	}
}

// cpu is the processor time of the process in ns: what a busy machine does not change as much as the clock.
func cpu() int64 {
	var u syscall.Rusage
	if err := syscall.Getrusage(syscall.RUSAGE_SELF, &u); err != nil {
		panic(err)
	}
	return u.Utime.Nano() + u.Stime.Nano()
}
