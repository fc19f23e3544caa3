package command_test

import (
	"testing"

	"gongji/engine/command"
	"gongji/engine/ledger"
)

// TestLimits: what the decoder would refuse is not written: behind the log it would stop every replay.
func TestLimits(t *testing.T) {
	refused := func(what string, write func()) {
		t.Helper()
		defer func() {
			if recover() == nil {
				t.Errorf("%s was written", what)
			}
		}()
		write()
	}
	for what, spoil := range map[string]func(*ledger.Command, *command.Details){
		"no institution": func(c *ledger.Command, _ *command.Details) { c.Institution = ledger.Code{} },
		"flag 3":         func(c *ledger.Command, _ *command.Details) { c.UsedFlag = 3 },
		"interim alone":  func(c *ledger.Command, _ *command.Details) { c.Interim = true },
		"visit":          func(c *ledger.Command, _ *command.Details) { c.Visit = 1<<63 + 1 },
		"med_type":       func(_ *ledger.Command, d *command.Details) { d.MedType = 1_000_000 },
		"insutype":       func(_ *ledger.Command, d *command.Details) { d.Insutype = 1_000_000 },
		"message":        func(_ *ledger.Command, d *command.Details) { d.Message = make([]byte, command.MessageMax+1) },
		"caller":         func(_ *ledger.Command, d *command.Details) { d.Caller = make([]byte, command.CodeMax+1) },
		"blob":           func(_ *ledger.Command, d *command.Details) { d.Blob = make([]byte, command.BlobMax+1) },
	} {
		refused(what, func() {
			cmd, d := settlement()
			spoil(&cmd, &d)
			command.Append(nil, &cmd, &d)
		})
	}
	refused("a credit's message", func() {
		command.Append(nil, &ledger.Command{Kind: ledger.KindCredit}, &command.Details{Message: make([]byte, command.MessageMax+1)})
	})
	refused("an order", func() {
		command.Append(nil, &ledger.Command{Kind: ledger.KindBinding, Order: 1000, More: &ledger.More{}}, &command.Details{})
	})
	refused("an original id of zero", func() {
		command.Append(nil, &ledger.Command{Kind: ledger.KindReversalByMessage, Institution: ledger.NewCode([]byte("P1")), Original: 1}, &command.Details{})
	})
}
