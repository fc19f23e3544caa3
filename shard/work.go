package shard

import "gongji/engine/ledger"

// LegsReserved is how many legs a settlement decided by a shard can have: the own account and the first drawn relative.
const LegsReserved = 2

// Status of a command within its batch.
type Status uint8

// The ways of a command. Each is set by one goroutine between two barriers.
const (
	Open      Status = iota // to be decided by its home shard, or by the resolver if it has none
	Done                    // the outcome stands
	Deferred                // its id is entangled with a reversal of this batch: the resolver identifies and decides
	Contested               // left to the resolver
)

// NoHome marks commands that only the resolver decides.
const NoHome = ^uint8(0)

// Work is the batch as all shards see it. The executor owns it; between barriers each shard writes only the elements of its own commands.
type Work struct {
	State    *ledger.State
	IDs      IDs
	Context  ledger.Context
	Commands []ledger.Command // the batch's
	Effects  *ledger.Effects
	Bills    []ledger.Bill    // of settlements; of plain credits: Patient and Payable (the amount)
	Static   []ledger.Outcome // refusal that needs neither ids nor balances; 0: none
	Status   []Status
	Home     []uint8 // owner of the patient
	Shards   []*Shard
}

// IDs is the id table during a money batch: a shard may use the parts it owns, the resolver all.
type IDs interface {
	ledger.IDs
	Part(key ledger.Key) int // stable, independent of the number of shards
	// Claim is Find for the message id of a command of this batch, about which the log before the batch has been asked already, and Insert if it
	// is not there. What is found is put into existing. Pointers, because an entry returned by value is read back from the stack while the stores
	// behind it still wait for their cache lines: 0.15 us a command.
	Claim(cmd *ledger.Command, position ledger.Position, existing *ledger.IDEntry) (found bool)
	// Ahead loads what Claim of these commands will touch, those of shard number of shards; up to ledger.AheadMax commands. It decides nothing.
	Ahead(commands []ledger.Command, number, shards int)
}

// Reset takes a batch's commands and clears what the phases read.
func (w *Work) Reset(commands []ledger.Command) {
	n := len(commands)
	if cap(w.Bills) < n {
		w.Bills = make([]ledger.Bill, n)
		w.Static = make([]ledger.Outcome, n)
		w.Status = make([]Status, n)
		w.Home = make([]uint8, n)
	}
	w.Commands, w.Bills, w.Static = commands, w.Bills[:n], w.Static[:n]
	w.Status, w.Home = w.Status[:n], w.Home[:n]
	clear(w.Static)
	clear(w.Status)
}

// ShardsMax bounds the shards; their number is a power of two, so that ownership is a mask and not a division.
const ShardsMax = 64

// owner of a page. Persons, families and institutions are owned by page, so that no two shards ever write one page.
func owner[T any](t *ledger.Table[T], number uint32, shards int) uint8 {
	return uint8(int(number>>t.Shift()) & (shards - 1))
}

// OwnerOf is the shard that owns a personal or family account.
func (w *Work) OwnerOf(a ledger.AccountID) uint8 {
	if a.Kind() == ledger.KindFamily {
		return owner(w.State.Families, a.Number(), len(w.Shards))
	}
	return owner(w.State.Persons, a.Number(), len(w.Shards))
}

// Prepare works out command i as far as ids and balances are not needed. Any shard may do it for any command, once.
func (w *Work) Prepare(i int) {
	cmd := &w.Commands[i]
	w.Effects.List[i].Kind = cmd.Kind
	w.Home[i] = NoHome
	switch {
	case cmd.Kind == ledger.KindSettlement:
		w.Bills[i], w.Static[i] = ledger.PrepareSettlement(w.State, &w.Context, cmd)
		if w.Static[i] == 0 && (cmd.Visit != 0 || ledger.AsksPasswords(&w.Context, cmd, &w.Bills[i])) {
			return // it settles lines, or counts tries of passwords, in log order
		}
	case cmd.Kind == ledger.KindCredit && ledger.CreditIsPlain(cmd):
		w.Bills[i].Patient, w.Static[i] = ledger.PrepareCredit(w.State, &w.Context, cmd)
	default:
		return
	}
	if w.Static[i] == 0 {
		w.Home[i] = owner(w.State.Persons, w.Bills[i].Patient, len(w.Shards))
	} else {
		w.Home[i] = uint8(i & (len(w.Shards) - 1)) // somebody has to write the refusal
	}
}

// Touch tells the owner that the resolver may move an account, asking at most demand of it. The executor calls it while the shards wait.
func (w *Work) Touch(a ledger.AccountID, demand int64) {
	s := w.Shards[w.OwnerOf(a)]
	s.touches = append(s.touches, want{account: a, demand: demand})
}
