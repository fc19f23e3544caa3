package executor_test

import (
	"crypto/sha256"
	"fmt"
	"math/rand/v2"
	"testing"

	"gongji/bench/model"
	"gongji/engine/command"
	"gongji/engine/ledger"
)

// crowd is a ledger of few people, few fen, few message ids and few visits, in which everything meets everything else inside one batch: what the model's
// generator does now and then happens here all the time. No model says what is right; shards must do what the serial rules do.
type crowd struct {
	*script
	rng      *rand.Rand
	timeMS   int64
	people   int
	ids      int
	named    []sent // commands with an id, newest last
	settled  []ledger.Position
	opened   []ledger.Position
	premiums []ledger.Position
	serial   uint64
	outcomes map[string]int // of money batches
}

// sent is what a reversal may name.
type sent struct {
	id          ledger.Key
	kind        ledger.Kind
	person      ledger.Key
	institution ledger.Code
}

// note remembers a command for reversals to come, of its own batch too.
func (c *crowd) note(cmd ledger.Command) ledger.Command {
	if !cmd.ID.IsZero() && (cmd.Kind == ledger.KindSettlement || cmd.Kind.IsReversal() || cmd.Kind == ledger.KindVisitOpen && c.rng.IntN(8) == 0) {
		c.named = append(c.named, sent{cmd.ID, cmd.Kind, cmd.Person, cmd.Institution})
	}
	return cmd
}

func (c *crowd) psn() string { return fmt.Sprint("p", c.rng.IntN(c.people)) }

// id is one of few, so that repeats, reuses and reversals of the same batch are the rule.
func (c *crowd) id() ledger.Key {
	if c.rng.IntN(10) > 0 {
		c.ids++
		return ledger.K([]byte("crowd"), fmt.Append(nil, c.ids))
	}
	return ledger.K([]byte("crowd"), fmt.Append(nil, c.ids+2-c.rng.IntN(12))) // some of them before their time: tombstones
}

func pick[T any](rng *rand.Rand, all []T, none T) T {
	if len(all) == 0 {
		return none
	}
	return all[max(0, len(all)-1-rng.IntN(min(len(all), 20)))]
}

func (c *crowd) at(all []ledger.Position, within int) ledger.Position {
	if c.rng.IntN(4) == 0 { // of this batch, before or behind
		return ledger.At(c.sequence+1, c.rng.IntN(within+2))
	}
	return pick(c.rng, all, ledger.At(1, 0))
}

func (c *crowd) money(within int) (cmd ledger.Command) {
	name := c.psn()
	cmd = ledger.Command{ID: c.id(), Institution: ledger.NewCode([]byte([]string{"H1", "H1", "H1", "P1"}[c.rng.IntN(4)])), Person: psn(name), Channel: 1}
	if c.rng.IntN(12) == 0 {
		cmd.ID = ledger.Key{}
	}
	switch n := c.rng.IntN(100); {
	case n < 34:
		fen := 1 + c.rng.Int64N(60)
		cmd.Kind, cmd.Other, cmd.CredType, cmd.UsedFlag = ledger.KindSettlement, cert(name), ledger.CredentialCertificate, 1+uint8(c.rng.IntN(2))
		cmd.Refuse = c.rng.IntN(3) == 0
		cmd.Bill = ledger.BillInput{Medfee: fen, Inscp: fen, Fund: c.rng.Int64N(1 + fen/4)}
		if c.rng.IntN(8) == 0 {
			cmd.HasExpected, cmd.ExpectedAcct = true, fen
		}
		if c.rng.IntN(3) == 0 {
			c.bill(&cmd)
		}
	case n < 44:
		cmd.Kind, cmd.Settlement = ledger.KindReversalByID, c.at(c.settled, within)
		c.owner(&cmd, cmd.Settlement)
	case n < 82:
		cmd.Kind, cmd.Original = ledger.KindReversalByMessage, []ledger.OriginalKind{1, 1, 2, 2, 2, 3}[c.rng.IntN(6)]
		cmd.Other = ledger.K([]byte("crowd"), fmt.Append(nil, c.ids+2-c.rng.IntN(12)))
		if of := pick(c.rng, c.named, sent{}); of.kind != 0 && c.rng.IntN(12) > 0 {
			cmd.Other, cmd.Person, cmd.Institution, cmd.Original = of.id, of.person, of.institution, ledger.OriginalSettlement
			if of.kind.IsReversal() {
				cmd.Original = ledger.OriginalReversal
			} else if of.kind == ledger.KindVisitOpen {
				cmd.Original = ledger.OriginalVisit
			}
		}
	case n < 90:
		cmd.Kind, cmd.Amount, cmd.Source = ledger.KindCredit, 1+c.rng.Int64N(40), 1
		if c.rng.IntN(3) == 0 {
			cmd.Period = 1 + c.rng.Uint32N(40)
		}
	case n < 94:
		cmd.Kind, cmd.Amount = ledger.KindAllocation, 1+c.rng.Int64N(30)
	case n < 97:
		cmd.Kind, cmd.Amount, cmd.Source, cmd.Other, cmd.Second = ledger.KindAccountDebit, 1+c.rng.Int64N(20), 1, ledger.K([]byte("o1")), ledger.K([]byte("o2"))
	default:
		cmd.Kind, cmd.Settlement = ledger.KindPremiumRefund, c.at(c.premiums, within)
	}
	return cmd
}

// bill makes a settlement one of a visit, mostly of exactly the lines that it has before the batch.
func (c *crowd) bill(cmd *ledger.Command) {
	at := pick(c.rng, c.opened, 0)
	s := c.runners[0].state
	v, found := s.FindVisit(at, ledger.DayOf(c.timeMS))
	if cmd.Visit = at; !found {
		return
	}
	row := s.Visits.At(v)
	cmd.Person, cmd.Institution = s.Persons.At(row.Patient).Key, s.Institutions.At(row.Institution).Code
	cmd.Other = s.Persons.At(row.Patient).Pseudonym
	cmd.Batch, cmd.Interim = uint64(c.rng.IntN(3)), c.rng.IntN(2) == 0
	if sums, _ := s.UnsettledOf(v, cmd.Batch); sums.Lines > 0 && c.rng.IntN(5) > 0 {
		cmd.Bill = ledger.BillInput{Medfee: sums.Amount, Fulamt: sums.Fulamt, Overlmt: sums.Overlmt, Preselfpay: sums.Preselfpay, Inscp: sums.Inscp}
	}
}

// owner lets a command name the right person and institution, as those who undo do.
func (c *crowd) owner(cmd *ledger.Command, at ledger.Position) {
	if e, _, found := c.runners[0].history.Original(at); found && c.rng.IntN(12) > 0 && e.Outcome.IsAccepted() {
		s := c.runners[0].state
		cmd.Person, cmd.Institution = s.Persons.At(e.Patient).Key, s.Institutions.At(e.Institution).Code
	}
}

// structural is what comes between money batches, and with money in mixed ones.
func (c *crowd) structural() (cmd ledger.Command) {
	name := c.psn()
	cmd = ledger.Command{ID: c.id(), Institution: ledger.NewCode([]byte("H1")), Person: psn(name), Channel: 1, Login: 1, More: &ledger.More{}}
	switch c.rng.IntN(14) {
	case 0, 1, 2:
		cmd.Kind, cmd.Other, cmd.CredType = ledger.KindVisitOpen, cert(name), ledger.CredentialCertificate
		cmd.More.Visit = ledger.VisitInput{Kind: ledger.VisitKind(1 + c.rng.IntN(2)), Insutype: 310}
	case 3, 4, 5, 6:
		cmd.Kind = ledger.KindLinesAdd
		c.visit(&cmd)
		for range 1 + c.rng.IntN(4) {
			c.serial++
			l := ledger.LineInput{Serial: c.serial, Batch: uint64(c.rng.IntN(3)), Count: 10_000, Amount: 1 + c.rng.Int64N(20)}
			if c.rng.IntN(6) == 0 && c.serial > 3 {
				l.Init, l.Count, l.Amount = c.serial-1-uint64(c.rng.IntN(3)), -5000, -1
			}
			cmd.More.Lines = append(cmd.More.Lines, l)
		}
	case 7:
		cmd.Kind, cmd.More.Visit.Mode, cmd.Batch = ledger.KindLinesRemove, ledger.RemoveMode(c.rng.IntN(2)), 1
		c.visit(&cmd)
		if cmd.More.Visit.Mode == ledger.RemoveAll {
			cmd.Batch = 0
		}
	case 8:
		cmd.Kind = []ledger.Kind{ledger.KindVisitCancel, ledger.KindDischarge, ledger.KindDischargeCancel}[c.rng.IntN(3)]
		c.visit(&cmd)
	case 9:
		cmd = ledger.Command{Kind: ledger.KindDayClose, Day: ledger.DayOf(c.timeMS) - c.rng.Int32N(3), More: &ledger.More{}}
	case 10:
		through := c.runners[0].state.Scalars.At(0).ClosedThrough
		cmd.Kind, cmd.Amount = ledger.KindClearing, 1+c.rng.Int64N(100)
		cmd.More.Clearing = ledger.ClearingDays{From: through - c.rng.Int32N(2), To: through, ClrType: uint16(c.rng.IntN(3))}
	case 11:
		cmd.Kind = ledger.KindFamilyOpen
	case 12:
		cmd.Kind, cmd.Binding = ledger.KindFamilyDissolution, c.rng.Uint32N(1+c.runners[0].state.Families.Len())
		if n := c.runners[0].state.Families.Len(); cmd.Binding < n {
			cmd.Person = c.runners[0].state.Persons.At(c.runners[0].state.Families.At(cmd.Binding).Creator).Key
		}
	default:
		cmd.Kind, cmd.Other, cmd.Relation = ledger.KindBinding, cert(c.psn()), isChild
	}
	return cmd
}

func (c *crowd) visit(cmd *ledger.Command) {
	cmd.Visit = pick(c.rng, c.opened, ledger.At(1, 0))
	c.owner(cmd, cmd.Visit)
}

// batch runs commands together and notes what came of them.
func (c *crowd) batch(commands []ledger.Command) {
	c.t.Helper()
	c.sequence++
	c.timeMS += c.rng.Int64N(3_600_000 * 6)
	b := model.Batch{Sequence: c.sequence, TimeMS: c.timeMS, DayKey: c.key[:]}
	payload := command.BeginBatch(nil)
	for i := range commands {
		payload = command.Append(payload, &commands[i], &command.Details{})
	}
	command.EndBatch(payload, len(commands), b.TimeMS)
	serial := c.runners[0]
	for _, r := range c.runners {
		fx := r.run(c.t, b, payload)
		if err := r.sameState(serial); err != nil {
			c.t.Fatalf("batch %d: %v", c.sequence, err)
		}
		if string(r.block) != string(serial.block) {
			c.t.Fatalf("batch %d: %s and serial differ in the journal's bytes", c.sequence, r.name)
		}
		if sum := r.state.Totals().Sum(); sum != 0 {
			c.t.Fatalf("batch %d: accounts add to %d", c.sequence, sum)
		}
		if r != serial {
			continue
		}
		for i := range fx.List {
			f, at := &fx.List[i], ledger.At(c.sequence, i)
			if serial.batch.Money {
				c.outcomes[fmt.Sprint(f.Kind, " ", f.Outcome, " redo ", f.IsRedo(), " visit ", f.Visit != 0)]++
			}
			switch {
			case f.Outcome != ledger.Accepted:
			case f.Kind == ledger.KindSettlement:
				c.settled = append(c.settled, at)
			case f.Kind == ledger.KindVisitOpen:
				c.opened = append(c.opened, at)
			}
		}
	}
}

// TestEqualCrowded: R11, R12, R15, R29, P8: in a ledger where everybody shares with everybody, ids are named again at once and each bill is undone and redone
// in the batch that made it or the next ones, shards do what the serial rules do, to the byte, and the lines of visits stay what they add to.
func TestEqualCrowded(t *testing.T) {
	seeds := 6
	if testing.Short() {
		seeds = 3
	}
	outcomes := map[string]int{}
	for seed := range seeds {
		p := ledger.Policy{Version: 1, Strategy: ledger.Strategy(1 + seed%3), SelfFirst: uint8(seed / 3 % 2), Parts: 15, Places: 3, Relations: 1 << isChild, CancelReversible: 1,
			Channels: 2, Logins: [4]uint32{2}, RegistrationDays: 1, RegistrationKeep: 1, StayKeep: 1, OpenVisits: 5, VisitLines: 60, VisitRows: 400}
		if p.Strategy == ledger.Allocated {
			p.MaxFamilies = 1
		}
		c := &crowd{script: newScript(t, p), rng: rand.New(rand.NewPCG(uint64(seed), 11)), people: 5, timeMS: 1_768_406_400_000 + 1000, outcomes: outcomes}
		c.key = sha256.Sum256(fmt.Append(nil, "crowd", seed))
		for n := range c.people {
			c.person(fmt.Sprint("p", n), int64(n)*60)
		}
		for n := range 150 {
			var commands []ledger.Command
			for range 3 + c.rng.IntN(8) {
				commands = append(commands, c.note(c.structural()))
			}
			if n%4 == 0 { // mixed
				for range 10 {
					commands = append(commands, c.note(c.money(len(commands))))
				}
				c.rng.Shuffle(len(commands), func(i, j int) { commands[i], commands[j] = commands[j], commands[i] })
			}
			c.batch(commands)
			commands = nil
			size := 4 + c.rng.IntN(160)
			for range size {
				commands = append(commands, c.note(c.money(size)))
			}
			c.batch(commands)
		}
	}
	for _, what := range []string{"14 accepted redo false visit false", "14 accepted redo false visit true", "15 accepted redo false visit true", "16 accepted redo false visit true",
		"16 accepted redo true visit false", "16 accepted redo true visit true", "16 visit_undone redo false visit true",
		"16 short_of_funds redo false visit false", "16 cancel_final redo false visit false", "16 already_reversed redo false visit false"} {
		if outcomes[what] < seeds {
			t.Errorf("vacuous: %s: %d", what, outcomes[what])
		}
	}
	if t.Failed() || testing.Verbose() {
		t.Log(outcomes)
	}
}
