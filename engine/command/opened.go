package command

import (
	"fmt"

	"gongji/engine/ledger"
)

// Opened is a record's payload, checked and cut into commands; those of a money batch are decoded, which needs no state and so can be done by
// whoever cuts the batch while an earlier one executes. Other commands are rare and wide and are decoded one by one as they run. It is used again
// from batch to batch: nothing in it may be kept, and the payload must stay unchanged as long as it is in use.
type Opened struct {
	Head     Batch
	Offsets  []uint32
	Commands []ledger.Command // one an offset; empty unless Money
	Money    bool             // only money commands
	Undoes   bool             // execution may ask for the originals of reversals
}

// Open reads a payload into o, reusing its memory.
func (o *Opened) Open(payload []byte) error {
	if err := o.OpenUndecoded(payload); err != nil || !o.Money {
		return err
	}
	return o.decode()
}

func (o *Opened) decode() error {
	if cap(o.Commands) < len(o.Offsets) {
		o.Commands = make([]ledger.Command, len(o.Offsets))
	}
	o.Commands = o.Commands[:len(o.Offsets)]
	for i, at := range o.Offsets {
		if _, err := Decode(o.Head.Commands[at:], &o.Commands[i], nil); err != nil {
			return fmt.Errorf("command %d: %w", i, err)
		}
	}
	return nil
}

// OpenUndecoded is Open without decoding any command, whatever the batch is.
func (o *Opened) OpenUndecoded(payload []byte) (err error) {
	if o.Head, err = ReadBatch(payload); err != nil {
		return err
	}
	if o.Offsets, err = o.Head.Offsets(o.Offsets[:0]); err != nil {
		return err
	}
	o.Money, o.Undoes = true, false
	for _, at := range o.Offsets {
		o.note(ledger.Kind(o.Head.Commands[at+2]))
	}
	o.Commands = o.Commands[:0]
	return nil
}

// note notes the kind of a further command.
func (o *Opened) note(kind ledger.Kind) {
	o.Money = o.Money && kind.IsMoney()
	o.Undoes = o.Undoes || kind.AsksOriginal()
}
