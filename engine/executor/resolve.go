package executor

import (
	"gongji/engine/ledger"
	"gongji/shard"
)

// entangle runs alone, before ids are claimed: it finds what the resolver's commands will touch, so that no shard decides on a balance
// they move, and defers every command whose id a reversal of this batch names as its original.
func (x *Sharded) entangle() {
	w := &x.work
	clear(x.entries)
	for i := range w.Commands {
		if w.Home[i] != shard.NoHome {
			continue
		}
		x.at = i
		cmd := &w.Commands[i]
		switch cmd.Kind {
		case ledger.KindReversalByMessage:
			x.entries[cmd.Other] = struct{}{}
			if e, found := w.IDs.Find(cmd.Other); found && e.Tag == ledger.TagCommand {
				if cmd.Original == ledger.OriginalReversal {
					x.touchCancelled(e.Position)
				} else {
					x.touchOriginal(e.Position, false)
				}
			}
		case ledger.KindReversalByID, ledger.KindPremiumRefund: // a premium of this batch has touched its payer
			x.touchOriginal(cmd.Settlement, false)
		case ledger.KindCredit:
			if n, found := w.State.FindPerson(cmd.Person); found {
				w.Touch(ledger.Account(ledger.KindPersonal, n), 0)
			}
		case ledger.KindAllocation:
			x.touchAllocation(cmd)
		case ledger.KindPremium, ledger.KindAccountDebit:
			x.touchPayer(cmd)
		case ledger.KindSettlement: // with passwords, or of a visit
			x.touchSettlement(i, w.Bills[i].Payable)
		}
	}
	x.at = -1
	if len(x.entries) == 0 {
		return
	}
	for i := range w.Commands {
		if _, named := x.entries[w.Commands[i].ID]; named {
			w.Status[i] = shard.Deferred // planned like any other, so what its undoing gives back is on accounts that count as drawn by others
		}
	}
}

// touchOriginal touches every account of a settlement or premium that may be undone; again: what it took may be taken once more.
func (x *Sharded) touchOriginal(at ledger.Position, again bool) {
	if at.Sequence() == x.batch.Sequence {
		if at.Index() < len(x.work.Commands) {
			x.touchSettlement(at.Index(), 0)
		}
		return
	}
	_, legs, ok := x.store.Originals.Original(at)
	if !ok {
		return
	}
	for _, l := range legs {
		demand := int64(0)
		if again && l.Amount < 0 {
			demand = -l.Amount
		}
		x.work.Touch(l.Account, demand)
		if creator, closed := x.work.State.ClosedBy(l.Account); closed {
			x.work.Touch(creator, demand) // what comes back to a dissolved family goes on to him, and a redo takes it from him
		}
	}
}

// touchCancelled counts what a redo of the reversal at a position of an earlier batch may take: it debits every account of the settlement. A reversal
// of this batch gives back first what its redo takes, so that needs no demand of its own.
func (x *Sharded) touchCancelled(at ledger.Position) {
	if e, _, ok := x.store.Originals.Original(at); ok && e.Kind.IsReversal() && e.Outcome == ledger.Accepted {
		x.touchOriginal(e.First, true)
	}
}

// touchSettlement touches every account a settlement of this batch may draw on, asking at most demand of each.
func (x *Sharded) touchSettlement(i int, demand int64) {
	w := &x.work
	if w.Commands[i].Kind != ledger.KindSettlement || w.Static[i] != 0 {
		return
	}
	b := &w.Bills[i]
	if b.Own {
		w.Touch(ledger.Account(ledger.KindPersonal, b.Patient), demand)
	}
	var buf [ledger.RelativesMax]ledger.AccountID
	for _, a := range ledger.Relatives(w.State, &w.Context, b.Patient, buf[:0]) {
		w.Touch(a, demand)
	}
}

func (x *Sharded) touchAllocation(cmd *ledger.Command) {
	w := &x.work
	n, found := w.State.FindPerson(cmd.Person)
	if !found || cmd.Amount > ledger.AmountMax {
		return
	}
	w.Touch(ledger.Account(ledger.KindPersonal, n), cmd.Amount)
	if f := w.State.FamilyOf(n); f != 0 {
		w.Touch(ledger.Account(ledger.KindFamily, f-1), 0)
	}
}

// touchPayer touches the account from which a command takes its whole amount.
func (x *Sharded) touchPayer(cmd *ledger.Command) {
	n, found := x.work.State.FindPerson(cmd.Person)
	if found && cmd.Amount >= 1 && cmd.Amount <= ledger.AmountMax {
		x.work.Touch(ledger.Account(ledger.KindPersonal, n), cmd.Amount)
	}
}

// resolve runs the contested commands in log order with the serial rules, while the shards are parked.
func (x *Sharded) resolve() {
	w := &x.work
	funds := shard.Funds{Work: w}
	for i := range w.Commands {
		if w.Status[i] == shard.Done {
			continue
		}
		x.stats.Contested++
		x.at = i
		x.resolveOne(i, funds)
	}
	x.at = -1
}

func (x *Sharded) resolveOne(i int, funds shard.Funds) {
	w := &x.work
	cmd, f := &w.Commands[i], &x.effects.List[i]
	position := ledger.At(w.Context.Sequence, i)
	if w.Status[i] == shard.Deferred {
		if e, found := w.IDs.Find(cmd.ID); ledger.Identify(found, e, cmd, f) {
			return
		}
	}
	ledger.Decide(&x.money, &w.Context, cmd, position, funds, f, x.effects)
	funds.Moved(x.effects.LegsOf(f))
	if w.Status[i] == shard.Deferred {
		x.money.Own(cmd, position, f)
	}
}
