package policy

import (
	"crypto/sha256"
	"slices"
	"strings"
)

// Canonical is the profile as one text: knobs in the order of the table, sets in one order, no comments. It is a file that Parse takes and
// gives the same profile for.
func (p *Profile) Canonical() []byte {
	var out strings.Builder
	writeFields(&out, profileFields, p)
	for i := range p.Channels {
		out.WriteString("[[" + channelTable + "]]\n")
		writeFields(&out, channelFields, &p.Channels[i])
	}
	for i := range p.ClrTypes {
		out.WriteString("[[" + clrTable + "]]\n")
		writeFields(&out, clrFields, &p.ClrTypes[i])
	}
	return []byte(out.String())
}

func writeFields[T any](out *strings.Builder, fields []field[T], from *T) {
	for i := range fields {
		f := &fields[i]
		out.WriteString(f.Name + " = " + f.text(f.at(from)) + "\n")
	}
}

// Hash is the SHA-256 of the canonical text: what the ledger keeps to say which text holds.
func (p *Profile) Hash() [32]byte { return sha256.Sum256(p.Canonical()) }

func channelCode(name string) int { return slices.Index(ChannelNames[:], name) + 1 }
