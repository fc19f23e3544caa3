package engine

import (
	"fmt"

	"gongji/engine/command"
	"gongji/engine/ledger"
)

// Limits of one Events call.
const (
	// EventsMax entries. With 33 legs and a full command each they take some 3 MB.
	EventsMax = 500
	// eventsLookedAt bounds the effects a call reads past, wanted or not: 0.1 us each (engine/journal), so some 20 ms.
	eventsLookedAt = 200_000
)

// Feed is a piece of what happened, in log order.
type Feed struct {
	Entries []Entry
	Next    ledger.Position // where it ended: give it as after to go on
	More    bool            // it ended before the newest batch
	Newest  uint64          // sequence of the newest batch
}

// Events reads the entries behind a position that want asks for, at most limit (1 to EventsMax), oldest first. A call looks at a bounded part of the
// journal: it may find nothing and still have to be continued from Next. What is in the journal is durable and never changes, so the same call
// gives the same entries for ever, and then newer ones. Any goroutine.
func (e *Engine) Events(after ledger.Position, limit int, want func(*ledger.Effect, *ledger.Effects) bool) (Feed, error) {
	if limit < 1 || limit > EventsMax {
		return Feed{}, fmt.Errorf("%d events, allowed are 1 to %d", limit, EventsMax)
	}
	return e.events(after, limit, eventsLookedAt, want)
}

// events is Events that looks at about so many effects at most; a batch is looked at as a whole.
func (e *Engine) events(after ledger.Position, limit, looks int, want func(*ledger.Effect, *ledger.Effects) bool) (Feed, error) {
	out := Feed{Next: after, Newest: e.core.journal.Applied()}
	sequence, index := after.Sequence(), after.Index()+1
	if sequence == 0 {
		sequence, index = 1, 0 // there is no batch 0
	}
	var fx ledger.Effects
	for looked := 0; sequence <= out.Newest; sequence, index = sequence+1, 0 {
		if len(out.Entries) == limit || looked >= looks {
			out.More = true
			return out, nil
		}
		block, err := e.core.journal.Block(sequence)
		if err != nil {
			return out, err
		}
		if err := block.Effects(&fx); err != nil {
			return out, err
		}
		looked += max(len(fx.List)-index, 0) // what lies before was looked at by the call before
		var found []int
		last := len(fx.List) - 1
		for i := index; i <= last; i++ {
			if !want(&fx.List[i], &fx) {
				continue
			}
			if len(out.Entries)+len(found) == limit {
				last, out.More = i-1, true
				break
			}
			found = append(found, i)
		}
		if out.Entries, err = e.appendEntries(out.Entries, sequence, block.TimeMS, &fx, found); err != nil {
			return out, err
		}
		out.Next = max(out.Next, ledger.At(sequence, max(last, 0)))
		if out.More {
			return out, nil
		}
	}
	return out, nil
}

// appendEntries joins effects of one batch with their commands, reading the log's record once.
func (e *Engine) appendEntries(dst []Entry, sequence uint64, timeMS int64, fx *ledger.Effects, indexes []int) ([]Entry, error) {
	if len(indexes) == 0 {
		return dst, nil
	}
	record, err := e.log.Get(sequence, nil)
	if err != nil {
		return dst, archived(err)
	}
	head, err := command.ReadBatch(record.Payload)
	if err != nil {
		return dst, err
	}
	offsets, err := head.Offsets(nil)
	if err != nil {
		return dst, err
	}
	if len(offsets) != len(fx.List) {
		return dst, fmt.Errorf("batch %d: journal has %d effects, log has %d commands", sequence, len(fx.List), len(offsets))
	}
	for _, i := range indexes {
		f := &fx.List[i]
		entry := Entry{Position: ledger.At(sequence, i), TimeMS: timeMS, Effect: *f}
		entry.Legs = append(entry.Legs, fx.LegsOf(f)...)
		entry.Items = append(entry.Items, fx.ItemsOf(f)...)
		entry.Drawn = append(entry.Drawn, fx.DrawOf(f)...)
		if _, err := command.Decode(head.Commands[offsets[i]:], &entry.Command, &entry.Details); err != nil {
			return dst, err
		}
		dst = append(dst, entry)
	}
	return dst, nil
}
