package command_test

import (
	"bytes"
	"encoding/hex"
	"testing"

	"gongji/engine/command"
	"gongji/engine/ledger"
)

func clearingCommand() (ledger.Command, command.Details) {
	return ledger.Command{Kind: ledger.KindClearing, ID: ledger.K([]byte("bureau"), []byte("m1")), Institution: ledger.NewCode([]byte("H42010000001")), Amount: 18_400,
		More: &ledger.More{Clearing: ledger.ClearingDays{From: 20_500, To: 20_530, ClrType: 11}}}, command.Details{Message: []byte("m1"), Caller: []byte("bureau")}
}

const (
	goldenDayClose = "07002100e4c002"
	goldenClearing = "3700220176fe190b8d86e9fc20dfdf621f4730770c483432303130303030303031a8c002e4c0020be08f01026d31066275726561750000"
)

// TestGoldenClearing pins the format of kinds 33 and 34, and that who sends it is no content (R10, R15, R17).
func TestGoldenClearing(t *testing.T) {
	cmd, d := clearingCommand()
	closing := ledger.Command{Kind: ledger.KindDayClose, Day: 20_530, More: &ledger.More{}}
	for golden, src := range map[string][]byte{goldenClearing: command.Append(nil, &cmd, &d), goldenDayClose: command.Append(nil, &closing, &command.Details{})} {
		if got := hex.EncodeToString(src); got != golden {
			t.Errorf("now\n%s, was\n%s", got, golden)
		}
		var back ledger.Command
		var details command.Details
		if _, err := command.Decode(src, &back, &details); err != nil || !bytes.Equal(command.Append(nil, &back, &details), src) {
			t.Errorf("%s was not read back: %v", golden, err)
		}
	}
	digest := func(change func(*ledger.Command, *command.Details)) uint64 {
		cmd, d := clearingCommand()
		change(&cmd, &d)
		var back ledger.Command
		if _, err := command.Decode(command.Append(nil, &cmd, &d), &back, nil); err != nil {
			t.Fatal(err)
		}
		return back.Digest
	}
	same := digest(func(*ledger.Command, *command.Details) {})
	if digest(func(_ *ledger.Command, d *command.Details) { d.Caller = []byte("another") }) != same {
		t.Error("the caller is content")
	}
	for what, change := range map[string]func(*ledger.Command){
		"institution": func(c *ledger.Command) { c.Institution = ledger.NewCode([]byte("X")) }, "amount": func(c *ledger.Command) { c.Amount++ },
		"from": func(c *ledger.Command) { c.More.Clearing.From-- }, "to": func(c *ledger.Command) { c.More.Clearing.To++ },
		"clr_type": func(c *ledger.Command) { c.More.Clearing.ClrType = 0 },
	} {
		if digest(func(c *ledger.Command, _ *command.Details) { change(c) }) == same {
			t.Errorf("%s is no content", what)
		}
	}
}
