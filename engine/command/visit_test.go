package command_test

import (
	"bytes"
	"encoding/hex"
	"testing"

	"gongji/engine/command"
	"gongji/engine/ledger"
)

// visitCommands are one of each kind on visits and fee lines (R27, R29).
func visitCommands() []entryCommand {
	sent := command.Details{Message: []byte("m1"), Caller: []byte("H1"), Cipher: 1, Blob: []byte("texts")}
	of := func(kind ledger.Kind, x ledger.VisitInput) ledger.Command {
		x.Text = 0x1122334455667788
		return ledger.Command{Kind: kind, ID: ledger.K([]byte("H1"), []byte("m1")), Institution: ledger.NewCode([]byte("H1")), Person: ledger.K([]byte("a")), Visit: ledger.At(9, 3),
			More: &ledger.More{Visit: x}}
	}
	open := of(ledger.KindVisitOpen, ledger.VisitInput{Kind: ledger.Stay, MedType: 21, Insutype: 310, Number: ledger.NumberKey([]byte("ZY001"))})
	open.Visit, open.Day, open.CredType, open.Other = 0, 20500, ledger.CredentialCertificate, ledger.K([]byte("c"))
	add := of(ledger.KindLinesAdd, ledger.VisitInput{})
	add.More.Lines = []ledger.LineInput{
		{Serial: ledger.SerialMax, Batch: ledger.BatchKey([]byte("b1")), Text: 7, Count: 30_000, Amount: 2997, Fulamt: 1, Overlmt: 2, Preselfpay: 300},
		{Serial: 2, Init: ledger.SerialMax, Batch: ledger.BatchKey([]byte("b1")), Text: 8, Count: -10_000, Amount: -999, Preselfpay: -100}}
	batch := of(ledger.KindLinesRemove, ledger.VisitInput{Mode: ledger.RemoveBatch})
	batch.Batch = ledger.BatchKey([]byte("b1"))
	serials := of(ledger.KindLinesRemove, ledger.VisitInput{Mode: ledger.RemoveSerials})
	serials.More.Serials = []uint64{2, ledger.SerialMax}
	discharge := of(ledger.KindDischarge, ledger.VisitInput{})
	discharge.Day = 20510
	var list []entryCommand
	for i, c := range []ledger.Command{open, of(ledger.KindVisitCancel, ledger.VisitInput{}), of(ledger.KindVisitChange, ledger.VisitInput{MedType: 14}), add,
		of(ledger.KindLinesRemove, ledger.VisitInput{}), batch, serials, discharge, of(ledger.KindDischargeCancel, ledger.VisitInput{})} {
		list = append(list, entryCommand{command: c, details: sent, golden: goldenVisits[i]})
	}
	return list
}

// TestGoldenVisits pins the format of kinds 40 to 46, and what of them is content (R10).
func TestGoldenVisits(t *testing.T) {
	digest := func(e entryCommand) uint64 {
		var back ledger.Command
		if _, err := command.Decode(command.Append(nil, &e.command, &e.details), &back, nil); err != nil {
			t.Fatalf("kind %d: %v", e.command.Kind, err)
		}
		return back.Digest
	}
	for i, e := range visitCommands() {
		src := command.Append(nil, &e.command, &e.details)
		if got := hex.EncodeToString(src); got != e.golden {
			t.Errorf("command %d, kind %d is now\n%s, was\n%s", i, e.command.Kind, got, e.golden)
		}
		var back ledger.Command
		var d command.Details
		if _, err := command.Decode(src, &back, &d); err != nil || !bytes.Equal(command.Append(nil, &back, &d), src) {
			t.Errorf("kind %d was not read back: %v", e.command.Kind, err)
		}
		same, other, text := e, visitCommands()[i], visitCommands()[i]
		same.details.Blob, same.command.Other = []byte("sealed anew"), ledger.K([]byte("another credential"))
		other.command.Person = ledger.K([]byte("z"))
		text.command.More.Visit.Text++
		if digest(same) != digest(e) || digest(other) == digest(e) || digest(text) == digest(e) {
			t.Errorf("kind %d: digest covers the wrong fields", e.command.Kind)
		}
	}
	lines := visitCommands()[3]
	lines.command.More.Lines[1].Preselfpay++
	if digest(lines) == digest(visitCommands()[3]) {
		t.Error("a line's part is content")
	}
}

// TestVisitLimits: what has no outcome is not written, and 100 lines with the longest texts are (R29, nhsa-inpatient 4.8).
func TestVisitLimits(t *testing.T) {
	for what, change := range map[string]func(e []entryCommand) entryCommand{
		"kind 0":       func(e []entryCommand) entryCommand { e[0].command.More.Visit.Kind = 0; return e[0] },
		"kind 3":       func(e []entryCommand) entryCommand { e[0].command.More.Visit.Kind = 3; return e[0] },
		"credential":   func(e []entryCommand) entryCommand { e[0].command.CredType = 4; return e[0] },
		"no line":      func(e []entryCommand) entryCommand { e[3].command.More.Lines = nil; return e[3] },
		"101 lines":    func(e []entryCommand) entryCommand { return linesOf(e[3], ledger.LinesMax+1) },
		"serial 0":     func(e []entryCommand) entryCommand { e[3].command.More.Lines[0].Serial = 0; return e[3] },
		"mode 3":       func(e []entryCommand) entryCommand { e[4].command.More.Visit.Mode = 3; return e[4] },
		"no serial":    func(e []entryCommand) entryCommand { e[6].command.More.Serials = nil; return e[6] },
		"blob":         func(e []entryCommand) entryCommand { e[1].details.Blob = make([]byte, command.BlobMax+1); return e[1] },
		"long texts":   func(e []entryCommand) entryCommand { e[3].details.Blob = make([]byte, command.TextsMax+1); return e[3] },
		"no hospital":  func(e []entryCommand) entryCommand { e[5].command.Institution = ledger.Code{}; return e[5] },
		"visit beyond": func(e []entryCommand) entryCommand { e[5].command.Visit = 1<<63 + 1; return e[5] },
	} {
		func() {
			defer func() {
				if recover() == nil {
					t.Errorf("%s was written", what)
				}
			}()
			e := change(visitCommands())
			command.Append(nil, &e.command, &e.details)
		}()
	}
	full := linesOf(visitCommands()[3], ledger.LinesMax)
	full.details.Blob = make([]byte, command.TextsMax)
	src := command.Append(nil, &full.command, &full.details)
	var back ledger.Command
	if _, err := command.Decode(src, &back, nil); err != nil || len(back.More.Lines) != ledger.LinesMax || back.More.Lines[99] != full.command.More.Lines[99] {
		t.Fatalf("%d bytes: %v", len(src), err)
	}
}

// linesOf has n lines with the longest numbers.
func linesOf(e entryCommand, n int) entryCommand {
	e.command.More.Lines = nil
	for i := range n {
		e.command.More.Lines = append(e.command.More.Lines, ledger.LineInput{Serial: ledger.SerialMax - uint64(i), Init: ledger.SerialMax, Batch: 1, Text: 1, Count: -1 << 63,
			Amount: -1 << 63, Fulamt: -1 << 63, Overlmt: -1 << 63, Preselfpay: -1 << 63})
	}
	return e
}

var goldenVisits = [9]string{
	"5c0028017d82d566b604f73c87d06a3736c31df502483172ff6b02949dad95006c343e3db31500887766554433221102a8c00215b60223791c8fa895ed80028b953848dbdef3d57b32bf32f6eed2d6026d3102483101057465787473",
	"400029017d82d566b604f73c87d06a3736c31df502483172ff6b02949dad95006c343e3db3150088776655443322118380c004026d3102483101057465787473",
	"41002a017d82d566b604f73c87d06a3736c31df502483172ff6b02949dad95006c343e3db3150088776655443322118380c0040e026d3102483101057465787473",
	"89002b017d82d566b604f73c87d06a3736c31df502483172ff6b02949dad95006c343e3db3150088776655443322118380c00402ffffffffffffffffff01000f00956d0a7408550700000000000000e0d403ea2e0204d80402ffffffffffffffffff010f00956d0a74085508000000000000009f9c01cd0f0000c701026d3102483101057465787473",
	"41002c017d82d566b604f73c87d06a3736c31df502483172ff6b02949dad95006c343e3db3150088776655443322118380c00400026d3102483101057465787473",
	"49002c017d82d566b604f73c87d06a3736c31df502483172ff6b02949dad95006c343e3db3150088776655443322118380c004010f00956d0a740855026d3102483101057465787473",
	"4d002c017d82d566b604f73c87d06a3736c31df502483172ff6b02949dad95006c343e3db3150088776655443322118380c004020202ffffffffffffffffff01026d3102483101057465787473",
	"43002d017d82d566b604f73c87d06a3736c31df502483172ff6b02949dad95006c343e3db3150088776655443322118380c004bcc002026d3102483101057465787473",
	"40002e017d82d566b604f73c87d06a3736c31df502483172ff6b02949dad95006c343e3db3150088776655443322118380c004026d3102483101057465787473",
}
