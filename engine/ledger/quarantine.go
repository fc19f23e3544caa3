package ledger

import (
	"crypto/sha256"
	"encoding/binary"
)

// Quarantine takes one command of a batch out, on an operator's word: running it would end the process, now and at every replay (DESIGN.md 13).
type Quarantine struct {
	Index   int
	Command [32]byte // SHA-256 of the command's bytes in the log
	Reason  [32]byte // SHA-256 of the operator's words
}

// QuarantineChain is the next link behind a quarantined command.
func QuarantineChain(link [32]byte, at Position, q *Quarantine) [32]byte {
	buf := append(make([]byte, 0, 128), "gongji quarantine 0"...)
	buf = append(buf, link[:]...)
	buf = binary.LittleEndian.AppendUint64(buf, uint64(at))
	buf = append(buf, q.Command[:]...)
	return sha256.Sum256(append(buf, q.Reason[:]...))
}

// Quarantine is Apply of a command that is taken out: nothing of it is looked at but kind, message id and digest. Commands must come in order of index.
func (l *Ledger) Quarantine(c *Context, kind Kind, id Key, digest uint64, q *Quarantine, fx *Effects) {
	position := At(c.Sequence, q.Index)
	fx.List[q.Index] = Effect{Kind: kind, Outcome: Quarantined}
	s := l.State.Scalars.Mut(0)
	s.Quarantined++
	s.QuarantineChain = QuarantineChain(s.QuarantineChain, position, q)
	if id.IsZero() {
		return
	}
	if _, found := l.IDs.Find(id); !found {
		l.IDs.Insert(IDEntry{Key: id, Position: position, Digest: digest, Tag: TagCommand})
	}
}
