package command

import (
	"fmt"

	"gongji/engine/ledger"
)

// cutStep is how many bytes Add copies before it looks at them: copying runs ahead of the memory, and the lengths are then read from the L1 cache,
// where reading them first waited for every other line of a request that another core wrote.
const cutStep = 4 << 10

// Begin begins a batch in payload[:0] that Add cuts commands for and End closes.
func (o *Opened) Begin(payload []byte) []byte {
	o.Offsets, o.Commands = o.Offsets[:0], o.Commands[:0]
	o.Money, o.Undoes = true, false
	return BeginBatch(payload)
}

// Add appends the next commands of src, which holds at least most, to a begun batch: as many as make the payload at most size bytes long. took is their
// number and used their bytes. Bytes that are no commands are a bug and panic here, not behind the log.
func (o *Opened) Add(payload, src []byte, most, size int) (longer []byte, took, used int) {
	begin, copied := len(payload), 0
	for took < most {
		payload, copied = copyUntil(payload, src, copied, used+headBytes)
		at := begin + used
		n := int(payload[at]) | int(payload[at+1])<<8
		if n < headBytes {
			panic(fmt.Sprintf("BUG: a command of %d bytes", n))
		}
		if at+n > size {
			break
		}
		payload, copied = copyUntil(payload, src, copied, used+n)
		o.Offsets = append(o.Offsets, uint32(at-BatchHeadBytes))
		o.note(ledger.Kind(payload[at+2]))
		took, used = took+1, used+n
	}
	return payload[:begin+used], took, used
}

// copyUntil appends further steps of src, of which copied bytes have been appended, until there are need.
func copyUntil(payload, src []byte, copied, need int) ([]byte, int) {
	if need > len(src) {
		panic(fmt.Sprintf("BUG: a command ends at byte %d of %d", need, len(src)))
	}
	for copied < need {
		n := min(cutStep, len(src)-copied)
		payload, copied = append(payload, src[copied:copied+n]...), copied+n
	}
	return payload, copied
}

// End fills in the head of a batch of added commands, with its ledger time in ms since 1970 UTC.
func (o *Opened) End(payload []byte, timeMS int64) {
	EndBatch(payload, len(o.Offsets), timeMS)
	o.Head = Batch{Rule: RuleVersion, Count: len(o.Offsets), TimeMS: timeMS, Commands: payload[BatchHeadBytes:]}
}

// OpenAdded is Open of a batch that was just built with Begin, Add and End: its sum and lengths need not be looked at again.
func (o *Opened) OpenAdded() error {
	if !o.Money {
		return nil
	}
	return o.decode()
}
