package command_test

import (
	"bytes"
	"encoding/hex"
	"testing"

	"gongji/engine/command"
	"gongji/engine/ledger"
)

type entryCommand struct {
	name    string
	command ledger.Command
	details command.Details
	golden  string
}

// entryCommands are one of each kind that moves money outside settlements (R25, R26).
func entryCommands() []entryCommand {
	id, a, b := ledger.K([]byte("bureau"), []byte("m1")), ledger.K([]byte("a")), ledger.K([]byte("b"))
	sent := command.Details{Message: []byte("m1"), Caller: []byte("hall")}
	premium, debit := sent, sent
	premium.Text, debit.BusinessDate = []byte("TAX-1"), 20500
	return []entryCommand{
		{"premium", ledger.Command{Kind: ledger.KindPremium, ID: id, Person: a, Other: b, Source: 1, Period: 2026, Amount: 40000}, premium, goldenPremium},
		{"refund", ledger.Command{Kind: ledger.KindPremiumRefund, ID: id, Person: a, Settlement: ledger.At(9, 3)}, sent, goldenRefund},
		{"debit", ledger.Command{Kind: ledger.KindAccountDebit, ID: id, Person: a, Other: a, Second: b, Source: ledger.DebitEstate, Amount: 12345}, debit, goldenDebit},
	}
}

// TestGoldenEntries pins the format of kinds 28 to 30, and what of them is content (R10).
func TestGoldenEntries(t *testing.T) {
	digest := func(e entryCommand) uint64 {
		var back ledger.Command
		if _, err := command.Decode(command.Append(nil, &e.command, &e.details), &back, nil); err != nil {
			t.Fatalf("%s: %v", e.name, err)
		}
		return back.Digest
	}
	for _, e := range entryCommands() {
		src := command.Append(nil, &e.command, &e.details)
		if got := hex.EncodeToString(src); got != e.golden {
			t.Errorf("%s is now\n%s, was\n%s", e.name, got, e.golden)
		}
		var back ledger.Command
		var d command.Details
		if _, err := command.Decode(src, &back, &d); err != nil || !bytes.Equal(command.Append(nil, &back, &d), src) {
			t.Errorf("%s was not read back: %v", e.name, err)
		}
		same, other := e, e
		same.details.Blob, same.command.Second = []byte("x"), ledger.K([]byte("another shift"))
		other.command.Person = ledger.K([]byte("z"))
		if digest(same) != digest(e) || digest(other) == digest(e) {
			t.Errorf("%s: digest covers the wrong fields", e.name)
		}
	}
	taxed := entryCommands()[0]
	taxed.details.Text = []byte("TAX-2")
	if digest(taxed) == digest(entryCommands()[0]) {
		t.Error("the tax order number is content")
	}
}

// TestEntryLimits: what has no outcome is not written (R25, R26).
func TestEntryLimits(t *testing.T) {
	for what, change := range map[string]func(e []entryCommand) entryCommand{
		"premium type 0": func(e []entryCommand) entryCommand { e[0].command.Source = 0; return e[0] },
		"premium type 3": func(e []entryCommand) entryCommand { e[0].command.Source = 3; return e[0] },
		"year 0":         func(e []entryCommand) entryCommand { e[0].command.Period = 0; return e[0] },
		"year 10000":     func(e []entryCommand) entryCommand { e[0].command.Period = 10_000; return e[0] },
		"tax order": func(e []entryCommand) entryCommand {
			e[0].details.Text = make([]byte, command.TaxOrderMax+1)
			return e[0]
		},
		"reason 0":     func(e []entryCommand) entryCommand { e[2].command.Source = 0; return e[2] },
		"reason 5":     func(e []entryCommand) entryCommand { e[2].command.Source = 5; return e[2] },
		"one operator": func(e []entryCommand) entryCommand { e[2].command.Second = ledger.Key{}; return e[2] },
		"kind 32":      func(e []entryCommand) entryCommand { e[2].command.Kind = 32; return e[2] },
	} {
		func() {
			defer func() {
				if recover() == nil && what != "kind 32" {
					t.Errorf("%s was written", what)
				}
			}()
			e := change(entryCommands())
			src := command.Append(nil, &e.command, &e.details)
			var back ledger.Command
			if _, err := command.Decode(src, &back, nil); err == nil {
				t.Errorf("%s was read", what)
			}
		}()
	}
}

const (
	goldenPremium = "4a001c0176fe190b8d86e9fc20dfdf621f47307772ff6b02949dad95006c343e3db315001f6d62f997f5d9527a64b501dcd5990301ea0fc0b802055441582d31026d310468616c6c0000"
	goldenRefund  = "32001d0176fe190b8d86e9fc20dfdf621f47307772ff6b02949dad95006c343e3db315008380c004026d310468616c6c0000"
	goldenDebit   = "54001e0176fe190b8d86e9fc20dfdf621f47307772ff6b02949dad95006c343e3db31500b96002a8c00272ff6b02949dad95006c343e3db315001f6d62f997f5d9527a64b501dcd59903026d310468616c6c0000"
)

// TestUndoes: a batch that may ask for what an earlier one did says so, and no other (R12, R25): the engine then waits for the journal.
func TestUndoes(t *testing.T) {
	for i, want := range []bool{false, true, false} {
		e := entryCommands()[i]
		batch := command.Append(command.BeginBatch(nil), &e.command, &e.details)
		command.EndBatch(batch, 1, 1_768_406_400_000)
		var o command.Opened
		if err := o.Open(batch); err != nil || o.Undoes != want || !o.Money {
			t.Errorf("%s: undoes %v, money %v, %v", e.name, o.Undoes, o.Money, err)
		}
	}
}
