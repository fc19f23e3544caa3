package executor

import (
	"fmt"

	"gongji/engine/ledger"
	"gongji/shard"
)

// Batches below ShardedCommandsMin are run by the serial rules: planning costs more than it saves. Below WakeMin the phases are walked by
// the calling goroutine for all shards in turn, since six barriers cost more than a second core gives (DESIGN.md has the figures).
const (
	ShardedCommandsMin = 64
	WakeMin            = 1024
)

// phases of a batch; between them only the leader runs.
const (
	phasePrepare = iota + 1
	phaseIdentify
	phasePlan
	phaseSum
	phaseDecide
	phasePost
	phaseCount
)

// Sharded runs money batches over shards and everything else serially. It gives what Serial gives, to the byte (DESIGN.md).
// The goroutine that calls Execute leads; the others help. A shard belongs to who has claimed it for the phase. Close ends the helpers.
type Sharded struct {
	serial  *Serial
	work    shard.Work
	store   Store
	barrier barrier
	wake    []chan struct{}
	batch   *Batch
	effects *ledger.Effects // of the batch, the caller's
	money   ledger.Money
	entries map[ledger.Key]struct{} // original ids named by reversals of the batch
	stats   Stats
	least   int
	wakeMin int
	skip    bool     // this batch goes to the serial rule
	at      int      // index of the command the leader runs, -1: none
	panics  []caught // by shard: written by who runs it, read by the leader behind the phase
}

// NewSharded makes an executor of count shards, a power of two up to shard.ShardsMax, and starts count-1 goroutines. least is the smallest batch to shard (ShardedCommandsMin),
// wakeMin the smallest to wake the other shards for (WakeMin).
func NewSharded(store Store, count, least, wakeMin int) *Sharded {
	if count < 1 || count > shard.ShardsMax || count&(count-1) != 0 {
		panic(fmt.Sprintf("BUG: %d shards", count))
	}
	x := &Sharded{serial: NewSerial(store), store: store, entries: map[ledger.Key]struct{}{}, least: least, wakeMin: wakeMin}
	x.money = ledger.Money{State: store.State, IDs: store.IDs, Originals: store.Originals}
	x.work = shard.Work{State: store.State, IDs: store.IDs}
	for i := range count {
		x.work.Shards = append(x.work.Shards, shard.New(i, count))
	}
	x.panics = make([]caught, count)
	x.barrier.shards = uint64(count)
	x.barrier.claims.Store(uint64(count)) // nothing to claim
	for range count - 1 {
		wake := make(chan struct{}, 1)
		x.wake = append(x.wake, wake)
		go func() {
			for range wake {
				x.barrier.help(x.run)
			}
		}()
	}
	return x
}

// Stats of the last batch.
func (x *Sharded) Stats() Stats { return x.stats }

// Close ends the shard goroutines.
func (x *Sharded) Close() {
	for _, w := range x.wake {
		close(w)
	}
	x.wake = nil
}

// Execute runs a batch.
func (x *Sharded) Execute(b *Batch, fx *ledger.Effects) {
	if !b.Money || len(b.Offsets) < x.least {
		x.serially(b, fx)
		return
	}
	x.at = -1
	defer func() {
		if c := catch(recover(), x.at); c.value != nil {
			c.raise(b)
		}
	}()
	x.begin(b, fx)
	x.walk(len(b.Offsets) >= x.wakeMin && len(x.wake) > 0)
	if x.skip {
		x.serially(b, fx)
		return
	}
	posted := int64(0)
	for i := range fx.List {
		x.at = i
		posted += ledger.PostSums(x.store.State, x.work.Context.Day, &fx.List[i], fx, ledger.At(b.Sequence, i))
	}
	x.at = -1
	for _, s := range x.work.Shards {
		posted += s.Posted
	}
	mustBalance(b, posted, x.store.State)
}

// walk goes through the phases, with whoever helps or alone.
func (x *Sharded) walk(together bool) {
	if together {
		for _, w := range x.wake {
			select {
			case w <- struct{}{}:
			default: // still awake, or woken already
			}
		}
	}
	for p := uint32(1); p < phaseCount && !x.skip; p++ {
		if p == phaseDecide {
			x.work.RoomForDraws()
		}
		if p == phasePost {
			x.resolve()
		}
		if together {
			x.together(p)
		} else {
			for number := range x.work.Shards {
				x.run(p, number)
			}
		}
		x.raise()
		if p == phasePrepare {
			if x.skip = x.crowded(); !x.skip {
				x.entangle()
			}
		}
	}
}

// together runs a phase, every shard by who claims it.
func (x *Sharded) together(p uint32) {
	b := &x.barrier
	b.open(p)
	for number, ok := b.claim(); ok; number, ok = b.claim() {
		x.run(p, number)
		b.finish()
	}
	b.gather()
}

func (x *Sharded) serially(b *Batch, fx *ledger.Effects) {
	x.serial.Execute(b, fx)
	x.stats = x.serial.stats
}

// begin readies the shared batch.
func (x *Sharded) begin(b *Batch, fx *ledger.Effects) {
	x.batch, x.effects, x.skip = b, fx, false
	x.work.Effects = fx
	x.work.Context = ledger.NewContext(x.store.State, b.Sequence, b.Head.TimeMS, b.DayKey)
	x.work.Reset(b.Commands)
	fx.Reset(len(b.Offsets), shard.LegsReserved)
	x.stats = Stats{Commands: len(b.Offsets)}
}

// crowded reports that the money brought in could reach its ceiling inside this batch, which only the serial rule can judge. Nothing has
// been changed yet when it is asked.
func (x *Sharded) crowded() bool {
	room := ledger.FundingMax - x.store.State.NetFunding()
	for i := range x.work.Commands {
		if cmd := &x.work.Commands[i]; cmd.Kind == ledger.KindCredit && cmd.Amount > 0 && cmd.Amount <= ledger.AmountMax {
			if room -= cmd.Amount; room < 0 {
				return true
			}
		}
	}
	return false
}

// raise goes on with the panic of a shard in the phase that has just ended: that of the first command in log order, so that every run names the same.
func (x *Sharded) raise() {
	var first *caught
	for i := range x.panics {
		if c := &x.panics[i]; c.value != nil && (first == nil || c.index < first.index) {
			first = c
		}
	}
	if first != nil {
		first.raise(x.batch)
	}
}

// run runs a phase of a shard. A panic waits for the leader: the phase must end, and the process must say which command it was.
func (x *Sharded) run(p uint32, number int) {
	w, s := &x.work, x.work.Shards[number]
	s.At = -1
	defer func() {
		if c := catch(recover(), s.At); c.value != nil {
			x.panics[number] = c
		}
	}()
	switch p {
	case phasePrepare:
		n, of := len(x.batch.Offsets), len(w.Shards)
		x.prepare(s, n*number/of, n*(number+1)/of)
	case phaseIdentify:
		s.Identify(w)
	case phasePlan:
		s.Plan(w)
	case phaseSum:
		s.Sum(w)
	case phaseDecide:
		s.Decide(w)
	case phasePost:
		s.Post(w)
	}
}

// prepare prepares commands from to until, in groups whose cache misses overlap.
func (x *Sharded) prepare(s *shard.Shard, from, until int) {
	w := &x.work
	for at := from; at < until; at += ledger.AheadMax {
		end := min(at+ledger.AheadMax, until)
		ledger.Ahead(w.State, w.Commands[at:end])
		for i := at; i < end; i++ {
			s.At = i
			w.Prepare(i)
		}
		s.At = -1
	}
}
