package load

import (
	"encoding/binary"
	"fmt"

	"gongji/engine/command"
	"gongji/engine/ledger"
	"gongji/engine/sequencer"
)

// creditRun credits every account of the world, again and again, as a monthly run does: in chunks of the Bulk class, each period once a person. The
// amounts are a part of the published monthly ones, so that a run does not change the money by more than the bands allow. It belongs to one goroutine.
type creditRun struct {
	world   *World
	owners  []uint32
	at      int
	period  uint32
	ring    [2]*sequencer.Request // one is executed while the next is encoded
	pending [2][]pending
	id, n   uint64
	tally   Tally
}

const (
	// runChunk commands a request.
	runChunk = 1_024
	// runPart: one twenty-fifth of the monthly credit, see creditRun.
	runPart = 25
)

func newCreditRun(w *World, seed uint64) *creditRun {
	c := &creditRun{world: w, id: splitmix(seed ^ 1<<63), ring: [2]*sequencer.Request{sequencer.NewRequest(), sequencer.NewRequest()}}
	for i := range w.Persons {
		if w.has(i, isOwner) {
			c.owners = append(c.owners, uint32(i))
		}
	}
	return c
}

func (c *creditRun) key() ledger.Key {
	return ledger.K([]byte("run"), binary.BigEndian.AppendUint64(nil, c.id+uint64(c.period)))
}

func (c *creditRun) amount(i uint32) int64 {
	return max(1, c.world.province.MonthlyFen(int(i))/runPart)
}

// drive sends requests until stop says so or a period is over, then waits for what is under way.
func (c *creditRun) drive(do target, stop func() bool) error {
	for !stop() {
		if c.at == 0 {
			if err := c.open(do, true); err != nil {
				return err
			}
		}
		for turn := 0; !stop() && c.at < len(c.owners); turn++ {
			k := turn % len(c.ring)
			if err := c.take(do, k); err != nil {
				return err
			}
			c.chunk(k)
			if err := do.Submit(c.ring[k]); err != nil {
				return err
			}
		}
		for k := range c.ring {
			if err := c.take(do, k); err != nil {
				return err
			}
		}
		if c.at == len(c.owners) {
			if err := c.open(do, false); err != nil {
				return err
			}
			c.at = 0
		}
	}
	return nil
}

// open begins the run of the next period, or closes this one.
func (c *creditRun) open(do target, begin bool) error {
	cmd := ledger.Command{Kind: ledger.KindRunClose, Other: c.key(), More: &ledger.More{}}
	if begin {
		c.period++
		cmd = ledger.Command{Kind: ledger.KindRunOpen, Other: c.key(), Source: 1, Period: c.period, Count: int64(len(c.owners)), More: &ledger.More{}}
		for _, i := range c.owners {
			cmd.Amount += c.amount(i)
		}
	}
	r := sequencer.NewRequest()
	r.Class, r.Commands, r.Count = sequencer.Structural, command.Append(nil, &cmd, &command.Details{}), 1
	if err := do.Submit(r); err != nil {
		return err
	}
	if err := do.Wait(r); err != nil {
		return err
	}
	c.tally.Commands++
	c.tally.Calls[CallRun]++
	if o := r.Results[0].Effect.Outcome; o != ledger.Accepted {
		return fmt.Errorf("credit run of period %d, open %v: %s", c.period, begin, o)
	}
	return nil
}

func (c *creditRun) chunk(k int) {
	r := c.ring[k]
	r.Class = sequencer.Bulk
	cmd := ledger.Command{Kind: ledger.KindCredit, Source: 1, Other: c.key()}
	for ; r.Count < runChunk && c.at < len(c.owners); c.at++ {
		i := c.owners[c.at]
		c.n++
		cmd.ID, cmd.Person, cmd.Amount = messageKey(c.id, c.n), personKey(int(i)), c.amount(i)
		r.Commands = command.Append(r.Commands, &cmd, &command.Details{})
		r.Count++
		c.pending[k] = append(c.pending[k], pending{kind: CallRunCredit, amount: cmd.Amount})
	}
}

// take waits for a request under way and looks at its answers.
func (c *creditRun) take(do target, k int) error {
	r := c.ring[k]
	if r.Count == 0 {
		return nil
	}
	if err := do.Wait(r); err != nil {
		return err
	}
	s := Stream{pending: c.pending[k]}
	if err := s.answered(r.Results); err != nil {
		return err
	}
	s.one.Commands, s.one.Bytes, s.one.Requests = uint64(len(r.Results)), uint64(len(r.Commands)), 1
	c.tally.add(&s.one)
	c.pending[k] = c.pending[k][:0]
	r.Reset()
	return nil
}
