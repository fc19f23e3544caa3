package model

import "encoding/binary"

// RunState is a credit run.
type RunState struct {
	Number uint32
	Run    Key
	Source uint8
	Period uint32
	Count  uint32 // announced
	Amount int64  // announced, fen
	Done   uint32 // credits so far
	Sum    int64  // their sum, fen
	Closed bool

	OpenedAt, ClosedAt uint64 // positions
}

func be32(n uint32) string { return string(binary.BigEndian.AppendUint32(nil, n)) }
func be64(n uint64) string { return string(binary.BigEndian.AppendUint64(nil, n)) }

func creditMark(person uint32, source uint8, period uint32) Key {
	return K("credit", be32(person), string([]byte{source}), be32(period))
}

// undoMark says that the settlement, cancel or redo at a position has been undone.
func undoMark(position uint64) Key { return K("undo", be64(position)) }

// funding is the net money brought in.
func (m *Model) funding() int64 {
	sum := int64(0)
	for source := uint64(1); source <= 15; source++ {
		sum -= m.balances[AccountID(AccountFunding, source)]
	}
	return sum
}

func (m *Model) credit(now moment, c Credit) Result {
	if c.Amount < 1 || c.Amount > AmountMax {
		return Result{Outcome: AmountRange}
	}
	if c.Source < 1 || c.Source > 15 { // the command's own source, also when a run is named (Q11)
		return Result{Outcome: AmountRange}
	}
	if m.funding()+c.Amount > FundingMax {
		return Result{Outcome: AmountRange}
	}
	p := m.byPsn[c.Psn]
	if p == nil {
		return Result{Outcome: UnknownPerson}
	}
	if !p.HasAccount {
		return Result{Outcome: NoAccount}
	}
	if p.isDead(now.today) {
		return Result{Outcome: StatusForbids}
	}
	if p.inEmployee(now.today) == normal && !opensAccount(now.policy, p) { // R7
		return Result{Outcome: CategoryNotAllowed}
	}
	source, period := c.Source, c.Period
	var run *RunState
	if c.Run != (Key{}) {
		run = m.byRun[c.Run]
		if run == nil {
			return Result{Outcome: UnknownRun}
		}
		if run.Closed {
			return Result{Outcome: RunClosed}
		}
		source, period = run.Source, run.Period
	}
	mark := creditMark(p.Number, source, period)
	if _, exists := m.ids[mark]; exists && period != 0 {
		return Result{Outcome: AlreadyCredited}
	}

	if period != 0 {
		m.ids[mark] = IDEntry{Position: now.position(), Tag: TagMark}
	}
	if run != nil {
		run.Done++
		run.Sum += c.Amount
	}
	leg := m.post(now, p.account(), c.Amount)
	m.balances[AccountID(AccountFunding, uint64(source))] -= c.Amount
	return Result{Outcome: Accepted, Legs: []Leg{leg}}
}

func (m *Model) runOpen(now moment, c RunOpen) int {
	if c.Source < 1 || c.Source > 15 || c.Period == 0 || c.Amount < 0 || c.Amount > FundingMax {
		return AmountRange
	}
	if m.byRun[c.Run] != nil {
		return RunExists
	}
	run := &RunState{
		Number: uint32(len(m.runs)), Run: c.Run, Source: c.Source, Period: c.Period, Count: c.Count, Amount: c.Amount,
		OpenedAt: now.position(),
	}
	m.runs = append(m.runs, run)
	m.byRun[c.Run] = run
	return Accepted
}

func (m *Model) runClose(now moment, c RunClose) int {
	run := m.byRun[c.Run]
	if run == nil {
		return UnknownRun
	}
	if run.Closed {
		return RunClosed
	}
	if run.Done != run.Count || run.Sum != run.Amount {
		return RunDiffers
	}
	run.Closed, run.ClosedAt = true, now.position()
	return Accepted
}
