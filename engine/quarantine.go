package engine

import (
	"crypto/sha256"
	"encoding/binary"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"time"
	"unicode"
	"unicode/utf8"

	"gongji/engine/command"
	"gongji/engine/executor"
	"gongji/engine/ledger"
	"gongji/wal"
)

// Limits of quarantine.
const (
	// QuarantinesMax of one ledger: each stands for a defect of the rules that ended the process; who has more needs another build, not another record.
	QuarantinesMax = 64
	// QuarantineReasonMax bytes of an operator's words: a line of a log, a ticket's number.
	QuarantineReasonMax = 200
	// reasonDigitsMax in a row: a telephone number has 11, an identity number 15 or 18 (P23).
	reasonDigitsMax = 10

	quarantineName  = "QUARANTINE"
	quarantineMagic = "GJQR"
	quarantineHead  = 4 + 8 + 4 + 32 + 8
)

// ErrQuarantine says that a command cannot be taken out as asked; nothing was written.
var ErrQuarantine = errors.New("quarantine refused")

// errTaken says that the side record is written: the start begins anew.
var errTaken = errors.New("a command was taken out")

// Quarantine is the operator's word that a command of the log is not to be run, because running it kills the process (design.md 3, Poison).
type Quarantine struct {
	Sequence uint64
	Index    int
	Reason   string   // 1 to QuarantineReasonMax bytes of plain text, nothing personal
	Command  [32]byte // SHA-256 of its bytes in the log; filled in by the engine, like what follows
	TimeMS   int64    // of the machine's clock when it was said; information only
	Kind     ledger.Kind
}

// position in the log.
func (q *Quarantine) position() ledger.Position { return ledger.At(q.Sequence, q.Index) }

func (q *Quarantine) note() ledger.Quarantine {
	return ledger.Quarantine{Index: q.Index, Command: q.Command, Reason: sha256.Sum256([]byte(q.Reason))}
}

// check judges what an operator typed.
func (q *Quarantine) check() error {
	if q.Sequence < 2 || q.Index < 0 || q.Index >= command.BatchCommandsMax {
		return fmt.Errorf("%w: %d:%d is no command that can be taken out (the first batch founds the ledger)", ErrQuarantine, q.Sequence, q.Index)
	}
	digits := 0
	for _, r := range q.Reason {
		if digits++; !unicode.IsDigit(r) {
			digits = 0
		}
		if !unicode.IsPrint(r) || digits > reasonDigitsMax {
			return fmt.Errorf("%w: a reason is plain text without long numbers: it is kept for ever and names nobody", ErrQuarantine)
		}
	}
	if len(q.Reason) == 0 || len(q.Reason) > QuarantineReasonMax || !utf8.ValidString(q.Reason) {
		return fmt.Errorf("%w: a reason has 1 to %d bytes", ErrQuarantine, QuarantineReasonMax)
	}
	return nil
}

// quarantinedIn are those of one batch, ascending.
func quarantinedIn(side []Quarantine, sequence uint64) (out []ledger.Quarantine) {
	for i := range side {
		if side[i].Sequence == sequence {
			out = append(out, side[i].note())
		}
	}
	slices.SortFunc(out, func(a, b ledger.Quarantine) int { return a.Index - b.Index })
	return out
}

// The file QUARANTINE holds one record behind the other, in the form of the log's (wal: link over everything, previous link, ledger and directory id,
// number from 1), so each is tied to the one before and to this directory. Payload: "GJQR", sequence u64, index u32, SHA-256 of the command's
// bytes, time i64, reason.

func readQuarantines(dir string, id wal.Identity) (side []Quarantine, end wal.Position, err error) {
	path := filepath.Join(dir, quarantineName)
	b, err := os.ReadFile(path)
	if errors.Is(err, os.ErrNotExist) {
		return nil, end, nil
	}
	if err != nil {
		return nil, end, err
	}
	chain := wal.Chain{Identity: &id}
	for len(b) > 0 {
		n := wal.HeaderBytes
		if len(b) >= n {
			n = wal.EncodedBytes(int(binary.LittleEndian.Uint32(b[112:]) & (1<<16 - 1)))
		}
		r, err := chain.Next(chain.At.Sequence+1, b[:min(n, len(b))])
		if err != nil {
			return nil, end, fmt.Errorf("%s, record %d: %w", path, chain.At.Sequence+1, err)
		}
		q, ok := decodeQuarantine(r.Payload)
		if !ok || len(side) == QuarantinesMax {
			return nil, end, fmt.Errorf("%s: %w: record %d", path, wal.ErrFormat, r.Sequence)
		}
		side, b = append(side, q), b[n:]
	}
	return side, chain.At, nil
}

func decodeQuarantine(p []byte) (q Quarantine, ok bool) {
	if len(p) < quarantineHead || string(p[:4]) != quarantineMagic {
		return q, false
	}
	q.Sequence, q.Index = binary.LittleEndian.Uint64(p[4:]), int(binary.LittleEndian.Uint32(p[12:]))
	copy(q.Command[:], p[16:])
	q.TimeMS, q.Reason = int64(binary.LittleEndian.Uint64(p[48:])), string(p[quarantineHead:])
	return q, q.check() == nil
}

func appendQuarantine(dst []byte, id *wal.Identity, at wal.Position, q *Quarantine) []byte {
	p := append(make([]byte, 0, quarantineHead+len(q.Reason)), quarantineMagic...)
	p = binary.LittleEndian.AppendUint64(p, q.Sequence)
	p = binary.LittleEndian.AppendUint32(p, uint32(q.Index))
	p = append(p, q.Command[:]...)
	p = binary.LittleEndian.AppendUint64(p, uint64(q.TimeMS))
	dst, _ = wal.AppendRecord(dst, id, at.Sequence+1, at.Link, append(p, q.Reason...))
	return dst
}

// addQuarantine puts a record behind the others, durably: the file is replaced whole.
func addQuarantine(dir string, id wal.Identity, q *Quarantine) error {
	side, at, err := readQuarantines(dir, id)
	if err != nil {
		return err
	}
	if len(side) >= QuarantinesMax {
		return fmt.Errorf("%w: %d commands are quarantined, at most %d", ErrQuarantine, len(side), QuarantinesMax)
	}
	b, err := os.ReadFile(filepath.Join(dir, quarantineName))
	if err != nil && !errors.Is(err, os.ErrNotExist) {
		return err
	}
	return replaceFile(dir, quarantineName, appendQuarantine(b, &id, at, q))
}

// copyQuarantines gives a copy of the ledger the same side records.
func copyQuarantines(from, to string) error {
	b, err := os.ReadFile(filepath.Join(from, quarantineName))
	if errors.Is(err, os.ErrNotExist) {
		return nil
	}
	if err != nil {
		return err
	}
	return replaceFile(to, quarantineName, b)
}

// loadSide reads the side records and holds them against the loaded state: those up to its sequence must be the ones it was made with.
func (c *core) loadSide(dir string, id wal.Identity) (err error) {
	if c.side, _, err = readQuarantines(dir, id); err != nil {
		return err
	}
	past := slices.DeleteFunc(slices.Clone(c.side), func(q Quarantine) bool { return q.Sequence > c.sequence })
	slices.SortFunc(past, func(a, b Quarantine) int { return int(int64(a.position()) - int64(b.position())) })
	var link [32]byte
	for i := range past {
		note := past[i].note()
		link = ledger.QuarantineChain(link, past[i].position(), &note)
	}
	if held := c.tables.Scalars.At(0); held.Quarantined != uint64(len(past)) || held.QuarantineChain != link {
		return fmt.Errorf("%s: the state at %d was made with %d quarantined commands and chain %x, the file tells of %d and %x", filepath.Join(dir, quarantineName),
			c.sequence, held.Quarantined, held.QuarantineChain[:8], len(past), link[:8])
	}
	return nil
}

// judge says what becomes of a start that a command has killed: if the operator aimed at just that one, it is taken out (errTaken). What he aims at
// must have killed this very start: so nothing that was ever answered can be rewritten, be it by a slip of the hand.
func (e *Engine) judge(poison *executor.Poison) error {
	q := e.options.Quarantine
	switch {
	case q == nil:
		return poison
	case q.Sequence != poison.Sequence || q.Index != poison.Index:
		return fmt.Errorf("%w: asked for %d:%d: %w", ErrQuarantine, q.Sequence, q.Index, poison)
	}
	c := &e.core
	left, found, err := c.journal.Left(q.Sequence)
	if err != nil {
		return err
	}
	if found && q.Index < left.Count {
		f, _, _, err := left.Effect(q.Index, nil, nil)
		if err == nil && f.Outcome != 0 {
			return fmt.Errorf("%w: %d:%d was executed before, with outcome %s, which may have been answered: start the build that executed it: %w", ErrQuarantine, q.Sequence, q.Index, f.Outcome, poison)
		}
	}
	taken := Quarantine{Sequence: q.Sequence, Index: q.Index, Reason: q.Reason, Kind: poison.Kind, TimeMS: time.Now().UnixMilli(), Command: sha256.Sum256(c.batch.Bytes(q.Index))}
	if err := addQuarantine(e.options.Dir, e.identity, &taken); err != nil {
		return err
	}
	e.options.Report("command quarantined", map[string]any{"command": fmt.Sprintf("%d:%d", q.Sequence, q.Index), "kind": poison.Kind.Name(), "reason": q.Reason, "sha256": fmt.Sprintf("%x", taken.Command)})
	return errTaken
}

// mayAim refuses before the log is read what cannot be meant; after the state is loaded.
func (e *Engine) mayAim(last uint64) error {
	q, c := e.options.Quarantine, &e.core
	if q == nil {
		return nil
	}
	if err := q.check(); err != nil {
		return err
	}
	switch {
	case slices.ContainsFunc(c.side, func(s Quarantine) bool { return s.position() == q.position() }):
		return fmt.Errorf("%w: %d:%d is quarantined already: start without the flag", ErrQuarantine, q.Sequence, q.Index)
	case q.Sequence <= c.sequence:
		return fmt.Errorf("%w: %d:%d was executed before the checkpoint at %d: taking it out would rewrite history", ErrQuarantine, q.Sequence, q.Index, c.sequence)
	case q.Sequence > last:
		return fmt.Errorf("%w: %d:%d lies behind the end of the log at %d", ErrQuarantine, q.Sequence, q.Index, last)
	}
	return nil
}

// harmless is the refusal when the log ran to its end.
func (e *Engine) harmless() error {
	q := e.options.Quarantine
	if q == nil {
		return nil
	}
	return fmt.Errorf("%w: %d:%d does not kill the process: start without the flag", ErrQuarantine, q.Sequence, q.Index)
}
