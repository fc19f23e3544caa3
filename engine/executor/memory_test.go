package executor_test

import (
	"encoding/binary"
	"flag"
	"runtime"
	"runtime/metrics"
	"strconv"
	"testing"
	"time"

	"gongji/bench/province"
	"gongji/engine/ledger"
	"gongji/engine/state/idindex"
)

var memoryPersons = flag.Int("memory-persons", 1_000_000, "persons of BenchmarkMemory")

// BenchmarkMemory is what the tables and indexes of a province hold, in bytes a person: heap with everybody, his enrolment and all bindings of
// bench/province, less the heap before. Message ids are not in it (engine/state/idindex has theirs).
func BenchmarkMemory(b *testing.B) {
	for b.Loop() {
		before := heap()
		s, bindings := populate(province.New(1, *memoryPersons))
		n := float64(s.Persons.Len())
		b.ReportMetric(float64(heap()-before)/n, "B/person")
		b.ReportMetric(float64(bindings)/n, "bindings/person")
		b.ReportMetric(float64(s.Summaries.Len()), "summaries")
		runtime.KeepAlive(s)
	}
}

func heap() int64 {
	runtime.GC()
	runtime.GC()
	s := []metrics.Sample{{Name: "/memory/classes/heap/objects:bytes"}}
	metrics.Read(s)
	return int64(s[0].Value.Uint64())
}

// populate runs a province's people and bindings through the rules.
func populate(p *province.Province) (s *ledger.State, bindings int) {
	s = ledger.NewState(ledger.DefaultShifts)
	s.Advise(idindex.AdviseHuge[ledger.Person], idindex.AdviseHuge[ledger.Binding], idindex.AdviseHuge[uint32]) // as engine/state does
	l := ledger.New(s, newTableIDs(1), newHistory())
	c := ledger.NewContext(s, 1, 1_768_406_400_000, nil)
	var fx ledger.Effects
	apply := func(cmd *ledger.Command) {
		fx.Reset(1, 0)
		if l.Apply(&c, cmd, 0, &fx); fx.List[0].Outcome != ledger.Accepted {
			panic(fx.List[0].Outcome.String())
		}
	}
	apply(&ledger.Command{Kind: ledger.KindPolicy, More: &ledger.More{Policy: ledger.Policy{EffectiveFrom: c.TimeMS, Version: 1, Strategy: ledger.Random, SelfFirst: 1, Parts: 3, Places: 3,
		Relations: 1 << 5, Channels: 2, Logins: [4]uint32{2}}}})
	c = ledger.NewContext(s, 1, c.TimeMS, nil)
	more := ledger.More{Enrolments: make([]ledger.Enrolment, 1)}
	for i := range p.Persons() {
		x := p.Person(i)
		cmd := ledger.Command{Kind: ledger.KindPerson, Person: shortKey(i, 1), Other: shortKey(i, 2), Birth: int32(x.BirthDay), More: &more}
		if x.Category.HasAccount() {
			cmd.Has = ledger.HasAccount
		}
		if x.EvoucherActive {
			cmd.Has |= ledger.EvoucherActive
		}
		begin, _ := time.Parse(time.DateOnly, x.Enrolment.Begndate)
		more.Enrolments[0] = ledger.Enrolment{Insutype: uint16(number(x.Enrolment.Insutype)), Status: uint8(number(x.Enrolment.PsnInsuStas)), Area: number(x.Enrolment.InsuplcAdmdvs),
			Begin: int32(begin.Unix() / 86_400), PsnType: number(x.Enrolment.PsnType), Flexible: uint8(number(x.Enrolment.FlxempeFlag))}
		apply(&cmd)
	}
	var list []province.Binding
	for f := range p.Families() {
		list = p.AppendBindings(list[:0], f)
		for _, x := range list {
			apply(&ledger.Command{Kind: ledger.KindBinding, Person: shortKey(x.Authorizer, 1), Other: shortKey(x.User, 2), Relation: 5, Channel: 1, Login: 1, More: &ledger.More{}})
			bindings++
		}
	}
	return s, bindings
}

// shortKey is uniform enough and cheap.
func shortKey(i, kind int) (k ledger.Key) {
	binary.LittleEndian.PutUint64(k[:8], splitmix(uint64(i)<<2|uint64(kind)))
	binary.LittleEndian.PutUint64(k[8:], uint64(i)<<2|uint64(kind))
	return k
}

func splitmix(x uint64) uint64 {
	x *= 0x9E3779B97F4A7C15
	x = (x ^ x>>30) * 0xBF58476D1CE4E5B9
	x = (x ^ x>>27) * 0x94D049BB133111EB
	return x ^ x>>31
}

func number(text string) uint32 {
	n, err := strconv.ParseUint(text, 10, 32)
	if err != nil {
		panic(err)
	}
	return uint32(n)
}
