package nhsa

import (
	"errors"
	"time"

	"gongji/engine"
	"gongji/engine/command"
	"gongji/engine/ledger"
	"gongji/engine/sequencer"
)

// work is the memory that a command needs on its way, and what came of it. It goes the way of api/rest (DESIGN.md 1 there).
type work struct {
	request *sequencer.Request
	cmd     ledger.Command
	more    ledger.More // of commands on visits
	details command.Details
	blob    []byte // Details.Blob under construction
	decided
}

// decided is what came of a command; for a repeat, what came of it the first time.
type decided struct {
	position ledger.Position
	effect   ledger.Effect
	items    []ledger.Item // why a list of fee lines was refused
	timeMS   int64         // ledger time of its batch
	replayed bool
	first    *engine.Entry // of a repeat: the command as it was sent then
}

// commandsKeep is the largest command buffer that a pooled message keeps: one command has at most command.BytesMax.
const commandsKeep = 2 * command.BytesMax

func newWork(deadline time.Duration) work {
	return work{request: sequencer.NewLimited(deadline)}
}

// command starts a command of a kind.
func (m *message) command(kind ledger.Kind) {
	m.cmd = ledger.Command{Kind: kind, Institution: m.institution(), ID: ledger.K(m.header(envCode), m.header(envMsgid))}
	if !kind.IsMoney() {
		m.more = ledger.More{Lines: m.more.Lines[:0], Serials: m.more.Serials[:0]}
		m.cmd.More = &m.more
	}
	m.details = command.Details{Message: m.header(envMsgid), Caller: m.header(envCode)}
	m.blob = m.blob[:0]
	m.decided = decided{}
}

// run submits the command and waits. After a fault that is unknown the message is not used again.
func (f *face) run(m *message) fault {
	m.details.Blob = m.blob
	if m.request.Class = sequencer.Till; !m.cmd.Kind.IsMoney() {
		m.request.Class = sequencer.Structural
	}
	m.request.Commands = command.Append(m.request.Commands, &m.cmd, &m.details)
	m.request.Count++
	if err := f.engine.Submit(m.request); err != nil {
		return notAdmitted(err)
	}
	if err := m.request.Wait(); err != nil {
		if errors.Is(err, sequencer.ErrClock) {
			return notAdmitted(err)
		}
		m.gone = true
		return unknownOutcome()
	}
	r := &m.request.Results[0]
	m.decided = decided{position: r.Position, effect: r.Effect, items: r.Items, timeMS: r.TimeMS}
	switch r.Effect.Outcome {
	case ledger.Repeated:
		return f.resolve(m, r.Effect.First)
	case ledger.IDReused:
		return f.sameSent(m)
	}
	return fault{}
}

// resolve takes the first answer of a repeat from log and journal (R10). A purchase whose parts are the same but whose lines are not is no repeat.
func (f *face) resolve(m *message, at ledger.Position) fault {
	entry, err := f.engine.Entry(at)
	if err != nil {
		return unknownOutcome()
	}
	if entry.Command.Kind == ledger.KindSettlement {
		if kept, ok := keptOf(&entry); ok && kept.digest != m.digest {
			m.effect = ledger.Effect{Kind: m.cmd.Kind, Outcome: ledger.IDReused}
			return fault{}
		}
	}
	m.repeatOf(&entry)
	return fault{}
}

// repeatOf takes what came of the first of two messages.
func (m *message) repeatOf(entry *engine.Entry) {
	m.decided = decided{position: entry.Position, effect: entry.Effect, items: entry.Items, timeMS: entry.TimeMS, replayed: true, first: entry}
}

// sameSent looks behind id_reused: what was sent may be the same although the parts worked out of it are not, when catalogue or fund file have
// changed since. Then it is a repeat (R10: the content is what was sent).
func (f *face) sameSent(m *message) fault {
	if m.cmd.Kind != ledger.KindSettlement && m.cmd.Kind != ledger.KindLinesAdd {
		return fault{}
	}
	var e ledger.IDEntry
	found := false
	if x := f.ask(func(v engine.View) { e, found = v.FindID(m.cmd.ID) }); x.bad() {
		return unknownOutcome()
	}
	if !found {
		return fault{}
	}
	return f.usedBy(m, &e)
}

// usedBy says what a message is whose id is taken: the repeat of what was sent then, blocked by a reversal, or another one under a used id.
func (f *face) usedBy(m *message, e *ledger.IDEntry) fault {
	m.effect = ledger.Effect{Kind: m.cmd.Kind, Outcome: ledger.IDReused}
	if e.Tag != ledger.TagCommand {
		if m.cmd.Kind == ledger.KindSettlement && e.Digest == uint64(ledger.OriginalSettlement) {
			m.effect.Outcome = ledger.Blocked
		}
		return fault{}
	}
	entry, err := f.engine.Entry(e.Position)
	if err != nil {
		return unknownOutcome()
	}
	same := false
	switch c := &entry.Command; {
	case c.Kind != m.cmd.Kind:
	case c.Kind == ledger.KindSettlement:
		kept, ok := keptOf(&entry)
		same = ok && kept.digest == m.digest
	case c.Kind == ledger.KindLinesAdd:
		same = c.Visit == m.cmd.Visit && c.Person == m.cmd.Person && c.More.Visit.Text == m.more.Visit.Text
	}
	if same {
		m.repeatOf(&entry)
	}
	return fault{}
}

// ask runs a question with the deadline of a command. A question uses no id.
func (f *face) ask(q func(engine.View)) fault {
	if err := f.engine.AskWithin(f.opt.Deadline, q); err != nil {
		return notAdmitted(err)
	}
	return fault{}
}

func sinceStart(f *face) time.Duration { return time.Since(f.started) }
