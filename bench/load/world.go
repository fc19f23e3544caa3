package load

import (
	"encoding/binary"
	"fmt"
	"math/rand/v2"

	"gongji/engine"
	"gongji/engine/command"
	"gongji/engine/ledger"
	"gongji/engine/sequencer"
)

// World is a population that is cheap to name: person i has the key K("p", i). Even persons own an account; odd ones have none and are
// bound to one to three even ones, so every settlement of an odd person needs an authorizer.
type World struct {
	Persons      int
	Institutions int
}

const (
	openingFen   = 4_080_00 // mean balance of a personal account, national bulletin (README of bench)
	chunk        = sequencer.CommandsPerRequestMax
	institutions = 2_000
)

// NewWorld names a world.
func NewWorld(persons int) World { return World{Persons: persons &^ 1, Institutions: institutions} }

// Keys of persons and certificates are uniform, as K's are, but cheap to make: hashing belongs to the front door, not to what is measured.
func personKey(i int) ledger.Key { return mixed(uint64(i)*2 + 1) }

func pseudonym(i int) ledger.Key { return mixed(uint64(i)*2 + 2) }

func mixed(x uint64) (k ledger.Key) {
	binary.LittleEndian.PutUint64(k[:8], splitmix(x))
	binary.LittleEndian.PutUint64(k[8:], splitmix(^x))
	return k
}

func splitmix(x uint64) uint64 {
	x *= 0x9E3779B97F4A7C15
	x = (x ^ x>>30) * 0xBF58476D1CE4E5B9
	x = (x ^ x>>27) * 0x94D049BB133111EB
	return x ^ x>>31
}

func code(i int) ledger.Code {
	text := [12]byte{'P'}
	for at := len(text) - 1; at > 0; at-- {
		text[at] = '0' + byte(i%10)
		i /= 10
	}
	return ledger.NewCode(text[:])
}

// authorizers of odd person i: one to three even persons nearby and far.
func (w World) authorizers(i int) []int {
	n := 1 + (i/2)%3
	out := make([]int, 0, 3)
	for k := range n {
		out = append(out, (i/2*2+2+k*2*7919)%w.Persons&^1)
	}
	return out
}

// loader sends commands in full chunks.
type loader struct {
	e       *engine.Engine
	r       *sequencer.Request
	refused map[ledger.Outcome]int
}

func (l *loader) add(cmd *ledger.Command, d *command.Details) error {
	l.r.Commands = command.Append(l.r.Commands, cmd, d)
	if l.r.Count++; l.r.Count < chunk {
		return nil
	}
	return l.send()
}

func (l *loader) send() error {
	if l.r.Count == 0 {
		return nil
	}
	l.r.Class = sequencer.Bulk
	if err := l.e.Do(l.r); err != nil {
		return err
	}
	for _, res := range l.r.Results {
		if res.Effect.Outcome != ledger.Accepted {
			l.refused[res.Effect.Outcome]++
		}
	}
	l.r.Reset()
	return nil
}

// Load puts the world into an engine: institutions, persons, bindings, opening credits. It returns the refusals, which should be none.
func (w World) Load(e *engine.Engine) (map[ledger.Outcome]int, error) {
	l := &loader{e: e, r: sequencer.NewRequest(), refused: map[ledger.Outcome]int{}}
	for i := range w.Institutions {
		cmd := ledger.Command{Kind: ledger.KindInstitutionAdd, Institution: code(i), InstitutionOf: 1 + uint8(i%2), Area: 420100, More: &ledger.More{}}
		if err := l.add(&cmd, &command.Details{}); err != nil {
			return nil, err
		}
	}
	for i := range w.Persons {
		if err := l.add(w.person(i), &command.Details{Text: fmt.Appendf(nil, "%020d", i)}); err != nil {
			return nil, err
		}
	}
	for i := 1; i < w.Persons; i += 2 {
		for _, a := range w.authorizers(i) {
			cmd := ledger.Command{Kind: ledger.KindBinding, Person: personKey(a), Other: pseudonym(i), Relation: 5, Channel: 1, Login: 1, Steps: ledger.StepDataConsent,
				More: &ledger.More{Commitment: engine.Hubei.Commitment}}
			if err := l.add(&cmd, &command.Details{}); err != nil {
				return nil, err
			}
		}
	}
	if err := l.send(); err != nil { // money commands by themselves, so that they may run over shards
		return nil, err
	}
	for i := 0; i < w.Persons; i += 2 {
		cmd := ledger.Command{Kind: ledger.KindCredit, Person: personKey(i), Amount: openingFen, Source: 2}
		if err := l.add(&cmd, &command.Details{}); err != nil {
			return nil, err
		}
	}
	return l.refused, l.send()
}

func (w World) person(i int) *ledger.Command {
	cmd := &ledger.Command{Kind: ledger.KindPerson, Person: personKey(i), Other: pseudonym(i), Area: 420100, Birth: int32(i % 20_000), More: &ledger.More{}}
	insutype := uint16(390)
	if i%2 == 0 {
		cmd.Has, insutype = ledger.HasAccount|ledger.EvoucherActive, ledger.InsutypeEmployee
	}
	cmd.More.Enrolments = []ledger.Enrolment{{Insutype: insutype, Status: ledger.StatusNormal, Area: 420100, Begin: 18_000, PsnType: 11}}
	return cmd
}

// Mix of a stream of settlements.
type Mix struct {
	Relatives float64 // share of settlements that need an authorizer
	AllCash   float64 // share with nothing payable
	MeanFen   int64   // mean payable amount
}

// DefaultMix is the issue's: 10 % need an authorizer; the mean is the national spending a use.
var DefaultMix = Mix{Relatives: 0.10, AllCash: 0.05, MeanFen: 105_00}

// creditEvery settlements one credit brings back what they spent, so that the money in the accounts stays level.
const creditEvery = 10

// Stream makes commands for one worker. It belongs to it.
type Stream struct {
	world World
	mix   Mix
	rng   *rand.Rand
	id    [24]byte
	n     uint64
	spent int64
	cmd   ledger.Command
}

// NewStream makes the stream of a worker.
func (w World) NewStream(mix Mix, seed, worker uint64) *Stream {
	s := &Stream{world: w, mix: mix, rng: rand.New(rand.NewPCG(seed, worker))}
	binary.BigEndian.PutUint64(s.id[:], seed)
	binary.BigEndian.PutUint64(s.id[8:], worker)
	return s
}

// Append makes the next command: nearly always a settlement, every tenth time a credit before it.
func (s *Stream) Append(dst []byte) (out []byte, settlement bool) {
	s.n++
	if s.n%(creditEvery+1) == 0 && s.spent > 0 {
		s.cmd = ledger.Command{Kind: ledger.KindCredit, Person: personKey(s.rng.IntN(s.world.Persons) &^ 1), Amount: s.spent, Source: 1}
		s.spent = 0
		return command.Append(dst, &s.cmd, &command.Details{}), false
	}
	patient := s.rng.IntN(s.world.Persons) &^ 1
	if s.rng.Float64() < s.mix.Relatives {
		patient |= 1
	}
	institution := s.rng.IntN(s.world.Institutions)
	binary.BigEndian.PutUint64(s.id[16:], s.n)
	s.cmd = ledger.Command{Kind: ledger.KindSettlement, CredType: ledger.CredentialCertificate, Person: personKey(patient), Other: pseudonym(patient), Institution: code(institution), UsedFlag: 1}
	s.cmd.ID = ledger.K(s.cmd.Institution.Bytes(), s.id[:])
	s.bill()
	message := s.id[:]
	return command.Append(dst, &s.cmd, &command.Details{MedType: 41, Insutype: 310, Message: message}), true
}

func (s *Stream) bill() {
	payable := 1 + int64(s.rng.ExpFloat64()*float64(s.mix.MeanFen))
	b := &s.cmd.Bill
	if s.rng.Float64() < s.mix.AllCash {
		b.Fulamt, b.Medfee = payable, payable
		return
	}
	b.Fund = payable / 2
	b.Preselfpay = payable / 8
	b.Inscp = payable - b.Preselfpay + b.Fund
	b.Fulamt = payable / 10
	b.Medfee = b.Inscp + b.Preselfpay + b.Fulamt
	s.spent += payable
}
