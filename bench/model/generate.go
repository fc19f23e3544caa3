package model

import (
	"crypto/sha256"
	"encoding/binary"
	"fmt"
	"hash/fnv"
	"math/rand/v2"
)

// Step is a generated batch with what the generator's own model answered.
type Step struct {
	Batch   Batch
	Results []Result
}

// Generator makes hostile but mostly meaningful batches. It keeps a model of its own and generates each command against
// the state left by the one before it, so that amounts can be just enough and positions of the same batch can be named.
// The same seed gives the same batches. One goroutine owns it.
type Generator struct {
	// Strange also produces input whose meaning the specification leaves to readings Q2 and Q7 (flag 3,
	// on_shortfall 2, order above 999, a zero original id, original_kind 0 and 4, status 0). Off: never.
	Strange bool
	// QuarantineEvery takes every so many-th command out from now on (s.13); to be set after Setup. 0: none.
	QuarantineEvery int

	rng      *rand.Rand
	model    *Model
	dist     *Distribution
	sequence uint64
	timeMS   int64
	fresh    uint64 // how many keys were made
	keySeed  uint64 // the day keys are made from it

	now      moment
	batch    []Command
	results  []Result
	emitted  int       // since QuarantineEvery was looked at
	taken    []int     // indexes taken out of the batch
	soon     []Command // to be sent next or nearly next, also in the following batch
	sent     []sentID  // commands that used up an id
	tombs    []Key     // ids made tombstones
	upcoming []Command // settlements whose reversal went ahead
	mixed    bool      // the batch may hold any kind
	ordered  []Command // structural ones to be sent soon, in this order
	swept    []Command // for money batches: reversals of what dissolved families paid, or of a closed day; the serial rule meets enough of them
	periods  uint32
}

type sentID struct {
	command  Command
	position uint64
	outcome  int
}

// Sizes of the generator's world. They are small so that people, ids and accounts meet often.
const (
	hotPersons       = 48 // persons made by Setup, in clans of 8 who bind one another; every fourth has no account
	clanSize         = 8  // so chains and mutual bindings come by themselves
	institutionsMade = 6
	recentPersons    = 16                // the newest ones, who have hardly any state
	recentSent       = 120               // ids of the last two or three batches
	firstMS          = 1_768_406_400_000 // 2026-01-15 00:00 +08:00
)

// NewGenerator gives a generator with an empty model. Call Setup first.
func NewGenerator(seed uint64) *Generator {
	return &Generator{
		rng:     rand.New(rand.NewPCG(seed, 0x676f6e676a69)),
		model:   New(),
		dist:    newDistribution(),
		timeMS:  firstMS,
		keySeed: seed,
	}
}

// Model gives the generator's own model, as it is after the last step. It must not be changed.
func (g *Generator) Model() *Model { return g.model }

// Distribution gives the counts so far; it goes on counting.
func (g *Generator) Distribution() *Distribution { return g.dist }

// mixedWeights: shares of a mixed batch before repeats and follow-ups are added.
var mixedWeights = []weight{
	{KindGenesis, 84}, {KindPolicy, 84}, {KindDayKey, 84}, {KindDayKeyPublish, 84}, {KindTick, 84},
	{KindPerson, 84}, {KindEnrolment, 84}, {KindInstitution, 84}, {KindRunOpen, 84}, {KindRunClose, 84},
	{KindBinding, 210}, {KindUnbinding, 84}, {KindFamilyOpen, 84}, {KindClockConfirm, 84},
	{KindBindingConsent, 84}, {KindBindingReview, 84}, {KindBindingWithdraw, 84}, {KindForcedUnbinding, 84}, {KindDebitOrder, 86},
	{KindFamilyDissolution, 84},
	{KindFreeze, 84}, {KindPassword, 84}, {KindCredential, 84}, {KindPersonChange, 84}, {KindDayClose, 84}, {KindClearing, 92},
	{KindVisitOpen, 130}, {KindVisitCancel, 84}, {KindVisitChange, 84}, {KindLinesAdd, 150}, {KindLinesRemove, 94}, {KindDischarge, 84}, {KindDischargeCancel, 84},
	{KindCredit, 210}, {KindSettlement, 340}, {KindReversalByID, 60}, {KindReversalByMessage, 80}, {KindAllocation, 74},
	{KindPremium, 74}, {KindPremiumRefund, 70}, {KindAccountDebit, 84},
}

var moneyWeights = []weight{
	{KindCredit, 320}, {KindSettlement, 800}, {KindReversalByID, 70}, {KindReversalByMessage, 120}, {KindAllocation, 100},
	{KindPremium, 60}, {KindPremiumRefund, 40}, {KindAccountDebit, 40},
}

type weight struct{ kind, share int }

// MixedBatch makes, applies and counts a batch of n commands of all kinds.
func (g *Generator) MixedBatch(n int) Step {
	g.open()
	g.mixed = true
	for len(g.batch) < n {
		g.emit(g.next(mixedWeights))
	}
	g.mixed = false
	return g.close()
}

// MoneyBatch makes, applies and counts a batch of n commands of the kinds of moneyWeights only.
func (g *Generator) MoneyBatch(n int) Step {
	g.open()
	for len(g.batch) < n {
		g.emit(g.next(moneyWeights))
	}
	return g.close()
}

// Setup makes the first three batches: the world without a policy, then policy and key in force, then money.
func (g *Generator) Setup() []Step {
	steps := []Step{}
	g.open()
	g.emit(Genesis{LedgerID: g.key()})
	for day := range int32(30) {
		g.emit(g.dayKeyOf(g.now.today + day))
	}
	for i := range institutionsMade {
		g.emit(institution(i))
	}
	for i := range hotPersons {
		g.emit(g.hotPerson(i))
	}
	g.emit(g.makeSettlement()) // no_policy
	g.emit(g.makeBinding())
	g.emit(g.makeUnbinding())
	g.emit(Policy{Version: 1, EffectiveFromMS: g.now.timeMS, Strategy: 1, SelfFirst: true, PayableParts: 3,
		PayablePlaces: 3, AllowedRelations: relationsKnown, MinBindMonths: 3, CancelReversible: true, Channels: []uint8{1}, Logins: [4][]uint8{{1}},
		RegistrationDays: 3, RegistrationKeep: 3, StayKeep: 5, OpenVisits: 3, VisitLines: 40, VisitRows: 1<<27 - 1})
	steps = append(steps, g.close())

	g.open()
	for i := range hotPersons { // the crowd: one patient with as many authorizers as there may be, and then some
		g.emit(Binding{Message: g.newMessage(), Authorizer: g.hot(i).Psn, UserPseudonym: g.hot(0).Pseudonym, Relation: 1, Channel: 1, Login: 1})
	}
	for range 60 {
		g.emit(g.makeBinding())
	}
	steps = append(steps, g.close())

	g.open()
	for range 60 {
		g.emit(g.makeCredit())
	}
	return append(steps, g.close())
}

func institution(i int) Institution {
	return Institution{Code: fmt.Sprintf("H%011d", i), Type: uint8(i%5 + 1), Area: 420100}
}

func (g *Generator) hotPerson(i int) Person {
	p := g.newPerson(i%4 != 3)
	p.Enrolments = []Insurance{{Insutype: employee, Status: 1, Area: places[i%clanSize], Begin: g.now.today - 30, PsnType: 11}}
	return p
}

// open starts a batch: time passes, the policy and the key of the day are read.
func (g *Generator) open() {
	g.sequence++
	if g.sequence > 1 {
		g.timeMS = g.later()
	}
	b := Batch{Sequence: g.sequence, TimeMS: g.timeMS}
	if _, ok := g.model.dayKeys[Day(g.timeMS)]; ok {
		key := g.keyOf(Day(g.timeMS))
		b.DayKey = key[:]
	}
	g.now = g.model.begin(b)
	g.batch, g.results, g.taken = []Command{}, []Result{}, nil
	g.periods = 202600 + uint32(g.now.today/10)
}

// emit digests a command, applies it and remembers what later ones may want to name.
func (g *Generator) emit(c Command) {
	g.apply(digested(c))
}

func (g *Generator) apply(c Command) {
	g.now.index = uint32(len(g.batch))
	result := g.decide(c)
	g.batch = append(g.batch, c)
	g.results = append(g.results, result)
	g.dist.count(g.model, g.now, c, result)
	id := message(c).ID
	if id != (Key{}) && result.Outcome != Repeated && result.Outcome != IDReused && result.Outcome != Blocked {
		g.sent = append(g.sent, sentID{command: c, position: g.now.position(), outcome: result.Outcome})
	}
	if r, ok := c.(ReversalByMessage); ok && result.Outcome == Tombstoned {
		g.tombs = append(g.tombs, r.OriginalID)
	}
	g.follow(c, result)
}

// decide applies a command or takes it out.
func (g *Generator) decide(c Command) Result {
	if g.QuarantineEvery != 0 {
		if g.emitted++; g.emitted%g.QuarantineEvery == 0 {
			g.taken = append(g.taken, len(g.batch))
			return g.model.quarantine(g.now, c)
		}
	}
	return g.model.apply(g.now, c)
}

func (g *Generator) close() Step {
	b := Batch{Sequence: g.now.sequence, TimeMS: g.now.timeMS, DayKey: g.now.dayKey, Commands: g.batch, Quarantined: g.taken}
	g.dist.Batches++
	return Step{Batch: b, Results: g.results}
}

// later lets time pass: mostly none to seconds, sometimes hours, days, a month, or exactly to midnight.
func (g *Generator) later() int64 {
	dice := g.rng.IntN(1000)
	switch {
	case dice < 100:
		return g.timeMS
	case dice < 700:
		return g.timeMS + g.rng.Int64N(2000)
	case dice < 850:
		return g.timeMS + g.rng.Int64N(5*60*60*1000)
	case dice < 880:
		return int64(Day(g.timeMS)+1)*dayMS - chinaMS - 1 + g.rng.Int64N(3) // midnight, and 1 ms on either side
	case dice < 965:
		return g.laterDay(1 + g.rng.Int32N(3))
	}
	return g.laterDay(4 + g.rng.Int32N(36))
}

// laterDay goes some days on, mostly to a day that has a key so that draws stay possible.
func (g *Generator) laterDay(days int32) int64 {
	if g.rng.IntN(100) < 90 {
		for more := range int32(40) {
			if _, ok := g.model.dayKeys[Day(g.timeMS)+days+more]; ok {
				days += more
				break
			}
		}
	}
	return g.timeMS + int64(days)*dayMS + g.rng.Int64N(1000)
}

// next chooses a command: a follow-up, a repeat, a collision, or a new one by weight.
func (g *Generator) next(weights []weight) Command {
	if g.mixed && len(g.ordered) > 0 && g.chance(50) {
		c := g.ordered[0]
		g.ordered = g.ordered[1:]
		return c
	}
	if !g.mixed && len(g.swept) > 0 && g.chance(30) {
		c := g.swept[0]
		g.swept = g.swept[1:]
		return c
	}
	if len(g.soon) > 0 && g.chance(60) {
		c := g.soon[0]
		g.soon = g.soon[1:]
		return c
	}
	if len(g.upcoming) > 0 && g.chance(4) {
		i := g.rng.IntN(len(g.upcoming))
		c := g.upcoming[i]
		g.upcoming = append(g.upcoming[:i], g.upcoming[i+1:]...)
		return c
	}
	kind := g.pick(weights)
	if kind == KindReversalByMessage && g.chance(15) {
		return g.reverseAhead()
	}
	return g.collide(g.make(kind))
}

func (g *Generator) make(kind int) Command {
	switch kind {
	case KindGenesis:
		return Genesis{LedgerID: g.key()}
	case KindPolicy:
		return g.makePolicy()
	case KindDayKey:
		return g.makeDayKey()
	case KindDayKeyPublish:
		return g.makeDayKeyPublish()
	case KindTick:
		return Tick{}
	case KindPerson:
		return g.makePerson()
	case KindEnrolment:
		return g.makeEnrolment()
	case KindInstitution:
		return g.makeInstitution()
	case KindCredit:
		return g.makeCredit()
	case KindRunOpen:
		return g.makeRunOpen()
	case KindRunClose:
		return g.makeRunClose()
	case KindBinding:
		return g.makeBinding()
	case KindUnbinding:
		return g.makeUnbinding()
	case KindSettlement:
		return g.makeSettlement()
	case KindReversalByID:
		return g.makeReversalByID()
	case KindReversalByMessage:
		return g.makeReversalByMessage()
	case KindFamilyOpen:
		return g.makeFamilyOpen()
	case KindAllocation:
		return g.makeAllocation()
	case KindClockConfirm:
		return ClockConfirm{}
	case KindPremium:
		return g.makePremium()
	case KindPremiumRefund:
		return g.makePremiumRefund()
	case KindAccountDebit:
		return g.makeAccountDebit()
	case KindFreeze:
		return g.makeFreeze()
	case KindPassword:
		return g.makePassword()
	case KindCredential:
		return g.makeCredential()
	case KindPersonChange:
		return g.makePersonChange()
	case KindDayClose:
		return g.makeDayClose()
	case KindClearing:
		return g.makeClearing()
	}
	if kind >= KindVisitOpen {
		return g.makeVisit(kind)
	}
	return g.makeAnswer(kind)
}

// collide turns some commands into repeats or gives them an id that is taken.
func (g *Generator) collide(c Command) Command {
	dice := g.rng.IntN(100)
	if message(c).ID == (Key{}) || len(g.sent) == 0 || dice >= 11 {
		return c
	}
	if dice < 5 { // the same again
		for range 40 {
			if old := g.recent(); old.command.Kind() == c.Kind() {
				return old.command
			}
		}
		return c
	}
	if dice < 7 { // the same id, one thing changed
		for range 40 {
			if old := g.recent(); old.command.Kind() == c.Kind() {
				return g.altered(old.command)
			}
		}
		return c
	}
	if dice < 9 && len(g.tombs) > 0 { // the id of a tombstone
		return withMessage(c, Message{ID: choose(g.rng, g.tombs)})
	}
	return withMessage(c, Message{ID: message(g.recent().command).ID}) // an id of any kind
}

// altered keeps the id and changes the content; settlements by preference become another patient's.
func (g *Generator) altered(c Command) Command {
	switch c := c.(type) {
	case Settlement:
		if g.chance(60) {
			other := g.someone()
			c.Psn, c.Credential = other.Psn, other.Pseudonym
			return c
		}
		c.Medfee++
		c.Inscp++
		return c
	case Credit:
		c.Amount++
		return c
	case Allocation:
		c.Amount++
		return c
	case Premium:
		c.Amount++
		return c
	case AccountDebit:
		c.Amount++
		return c
	}
	return withMessage(g.make(c.Kind()), message(c))
}

// digested gives a command with an id the digest of its kind and content.
func digested(c Command) Command {
	msg := message(c)
	if msg.ID == (Key{}) {
		return c
	}
	msg.Digest = 0
	h := fnv.New64a()
	fmt.Fprintf(h, "%d %+v", c.Kind(), withMessage(c, Message{}))
	switch c := c.(type) { // what is printed as an address above
	case Settlement:
		s := c
		s.Expected, s.Passwords, s.Credential, s.CredentialType = nil, nil, Key{}, 0 // tokens are no content (R10)
		h.Reset()
		fmt.Fprintf(h, "%d %+v", c.Kind(), withMessage(s, Message{}))
		if c.Expected != nil {
			fmt.Fprintf(h, " %+v", *c.Expected)
		}
	case VisitOpen:
		c.CredentialType, c.Credential = 0, Key{}
		h.Reset()
		fmt.Fprintf(h, "%d %+v", c.Kind(), withMessage(c, Message{}))
	case PersonChange:
		h.Reset()
		fmt.Fprintf(h, "%d %x %t", c.Kind(), c.Psn, c.OpenAccount)
		if c.Evoucher != nil {
			fmt.Fprintf(h, " e%t", *c.Evoucher)
		}
		if c.Area != nil {
			fmt.Fprintf(h, " a%d", *c.Area)
		}
		if c.Birth != nil {
			fmt.Fprintf(h, " b%d", *c.Birth)
		}
	}
	msg.Digest = h.Sum64()
	return withMessage(c, msg)
}

func withMessage(c Command, msg Message) Command {
	switch c := c.(type) {
	case Person:
		c.Message = msg
		return c
	case Enrolment:
		c.Message = msg
		return c
	case Credit:
		c.Message = msg
		return c
	case Binding:
		c.Message = msg
		return c
	case Unbinding:
		c.Message = msg
		return c
	case Settlement:
		c.Message = msg
		return c
	case ReversalByID:
		c.Message = msg
		return c
	case ReversalByMessage:
		c.Message = msg
		return c
	case FamilyOpen:
		c.Message = msg
		return c
	case Allocation:
		c.Message = msg
		return c
	case BindingConsent:
		c.Message = msg
		return c
	case BindingReview:
		c.Message = msg
		return c
	case BindingWithdraw:
		c.Message = msg
		return c
	case ForcedUnbinding:
		c.Message = msg
		return c
	case DebitOrder:
		c.Message = msg
		return c
	case FamilyDissolution:
		c.Message = msg
		return c
	case Premium:
		c.Message = msg
		return c
	case PremiumRefund:
		c.Message = msg
		return c
	case AccountDebit:
		c.Message = msg
		return c
	case Freeze:
		c.Message = msg
		return c
	case Password:
		c.Message = msg
		return c
	case Credential:
		c.Message = msg
		return c
	case PersonChange:
		c.Message = msg
		return c
	case Clearing:
		c.Message = msg
		return c
	case VisitOpen:
		c.Message = msg
		return c
	case VisitCancel:
		c.Message = msg
		return c
	case VisitChange:
		c.Message = msg
		return c
	case LinesAdd:
		c.Message = msg
		return c
	case LinesRemove:
		c.Message = msg
		return c
	case Discharge:
		c.Message = msg
		return c
	case DischargeCancel:
		c.Message = msg
		return c
	}
	return c
}

// key makes a key nobody has.
func (g *Generator) key() Key {
	g.fresh++
	return K("generated", fmt.Sprint(g.keySeed), fmt.Sprint(g.fresh))
}

// keyOf is the day key of a day.
func (g *Generator) keyOf(day int32) [32]byte {
	input := binary.BigEndian.AppendUint64([]byte("day key"), g.keySeed)
	return sha256.Sum256(binary.BigEndian.AppendUint32(input, uint32(day)))
}

// newMessage gives a fresh id, or none for one in eight.
func (g *Generator) newMessage() Message {
	if g.rng.IntN(8) == 0 {
		return Message{}
	}
	return Message{ID: g.key()}
}

func (g *Generator) chance(percent int) bool { return g.rng.IntN(100) < percent }

func (g *Generator) pick(weights []weight) int {
	sum := 0
	for _, w := range weights {
		sum += w.share
	}
	dice := g.rng.IntN(sum)
	for _, w := range weights {
		if dice < w.share {
			return w.kind
		}
		dice -= w.share
	}
	panic("model: weights do not add up")
}

// recent gives a command whose id is used up: one of the last by preference.
func (g *Generator) recent() sentID {
	if g.chance(90) && len(g.sent) > recentSent {
		return choose(g.rng, g.sent[len(g.sent)-recentSent:])
	}
	return choose(g.rng, g.sent)
}

func choose[T any](rng *rand.Rand, items []T) T { return items[rng.IntN(len(items))] }
