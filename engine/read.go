package engine

import (
	"errors"

	"gongji/engine/command"
	"gongji/engine/journal"
	"gongji/engine/ledger"
	"gongji/engine/state"
)

// ErrNoCommand says that a position holds no executed command.
var ErrNoCommand = errors.New("no command at this position")

// Entry is one executed command with what came of it, as log and journal keep it. It is the caller's.
type Entry struct {
	Position ledger.Position
	TimeMS   int64
	Command  ledger.Command
	Details  command.Details
	Effect   ledger.Effect
	Legs     []ledger.Leg
	Items    []ledger.Item
	Drawn    []ledger.Candidate // of an accepted settlement that drew at random, in the drawn order
}

// Entry reads the command at a position from log and journal. What is executed does not change, so this needs no place in the pipeline.
func (e *Engine) Entry(p ledger.Position) (Entry, error) { return e.NewReader().Entry(p) }

// Statement walks an account's postings back from a position (the account's last one, read with Ask); next is 0 at the beginning.
func (e *Engine) Statement(a ledger.AccountID, from ledger.Position, limit int) ([]journal.Line, ledger.Position, error) {
	return e.core.journal.Statement(a, from, limit)
}

// Person is the record of a person: psn_no and sealed fields; false if there is none.
func (e *Engine) Person(number uint32) (state.PersonRecord, bool, error) {
	return e.core.store.Person(number)
}

// Enrolments is the history of a person's enrolments, newest first, at most state.EnrolmentsMax (R19).
func (e *Engine) Enrolments(number uint32) ([]state.EnrolmentRecord, error) {
	return e.core.store.Enrolments(number)
}

// Institution is the record of an institution, its name and level; false if there is none.
func (e *Engine) Institution(number uint32) (state.InstitutionRecord, bool, error) {
	return e.core.store.Institution(number)
}

// JournalBlock is the journal's block of a batch, as the effect chain takes it in: for who checks that chain by himself (Root). It is the caller's.
func (e *Engine) JournalBlock(sequence uint64) ([]byte, error) {
	b, err := e.core.journal.Block(sequence)
	return b.Bytes(), err
}
