package command_test

import (
	"bytes"
	"encoding/hex"
	"reflect"
	"testing"

	"gongji/bench/model"
	"gongji/bench/oracle"
	"gongji/engine/command"
	"gongji/engine/ledger"
)

func settlement() (ledger.Command, command.Details) {
	cmd := ledger.Command{
		Kind: ledger.KindSettlement, CredType: ledger.CredentialCertificate, ID: ledger.K([]byte("P42010000001"), []byte("m1")), Person: ledger.K([]byte("p")), Other: ledger.K([]byte("c")),
		Institution: ledger.NewCode([]byte("P42010000001")), UsedFlag: 1,
		Bill: ledger.BillInput{Medfee: 46000, Fund: 27600, Inscp: 46000},
	}
	return cmd, command.Details{MedType: 41, Insutype: 390, Message: []byte("m1"), Caller: []byte("P42010000001")}
}

// TestRoundTrip: every kind the generator makes survives writing, reading and writing again.
func TestRoundTrip(t *testing.T) {
	g := model.NewGenerator(1)
	steps := g.Setup()
	for range 30 {
		steps = append(steps, g.MixedBatch(50))
	}
	kinds := map[ledger.Kind]int{}
	for _, s := range steps {
		b, err := command.ReadBatch(oracle.Encode(s.Batch))
		if err != nil {
			t.Fatal(err)
		}
		offsets, err := b.Offsets(nil)
		if err != nil {
			t.Fatal(err)
		}
		for _, at := range offsets {
			var cmd ledger.Command
			var d command.Details
			n, err := command.Decode(b.Commands[at:], &cmd, &d)
			if err != nil {
				t.Fatal(err)
			}
			kinds[cmd.Kind]++
			if again := command.Append(nil, &cmd, &d); !bytes.Equal(again, b.Commands[at:int(at)+n]) {
				t.Fatalf("kind %d: %x became %x", cmd.Kind, b.Commands[at:int(at)+n], again)
			}
		}
	}
	for k := ledger.KindGenesis; k <= ledger.KindLast; k++ {
		if k.IsKnown() && kinds[k] == 0 {
			t.Errorf("kind %d was never tried", k)
		}
	}
}

// TestGoldenBytes pins the format: a change here is a change of every log in the field.
func TestGoldenBytes(t *testing.T) {
	cmd, d := settlement()
	got := hex.EncodeToString(command.Append(nil, &cmd, &d))
	if got != goldenSettlement {
		t.Errorf("settlement is now\n%s, was\n%s", got, goldenSettlement)
	}
	batch := command.BeginBatch(nil)
	batch = command.Append(batch, &cmd, &d)
	command.EndBatch(batch, 1, 1_768_406_400_000)
	if head := hex.EncodeToString(batch[:command.BatchHeadBytes]); head != goldenHead {
		t.Errorf("head is now %s, was %s", head, goldenHead)
	}
}

// TestDigest: what is content changes the digest, what is not does not (R10).
func TestDigest(t *testing.T) {
	digest := func(change func(*ledger.Command, *command.Details)) uint64 {
		cmd, d := settlement()
		change(&cmd, &d)
		var back ledger.Command
		if _, err := command.Decode(command.Append(nil, &cmd, &d), &back, nil); err != nil {
			t.Fatal(err)
		}
		return back.Digest
	}
	first := digest(func(*ledger.Command, *command.Details) {})
	for name, change := range map[string]func(*ledger.Command, *command.Details){
		"credential": func(c *ledger.Command, _ *command.Details) { c.Other[0]++ },
		"its type":   func(c *ledger.Command, _ *command.Details) { c.CredType = ledger.CredentialCard },
		"passwords": func(c *ledger.Command, _ *command.Details) {
			c.Passwords = c.Passwords.Add(ledger.Key{1}, ledger.Key{2})
		},
		"operator": func(_ *ledger.Command, d *command.Details) { d.Blob = []byte("x") },
		"caller":   func(_ *ledger.Command, d *command.Details) { d.Caller = []byte("y") },
	} {
		if digest(change) != first {
			t.Errorf("%s is not content, but changed the digest", name)
		}
	}
	for name, change := range map[string]func(*ledger.Command, *command.Details){
		"patient":     func(c *ledger.Command, _ *command.Details) { c.Person[0]++ },
		"institution": func(c *ledger.Command, _ *command.Details) { c.Institution = ledger.NewCode([]byte("P42010000002")) },
		"medfee":      func(c *ledger.Command, _ *command.Details) { c.Bill.Medfee++ },
		"fund":        func(c *ledger.Command, _ *command.Details) { c.Bill.Fund++ },
		"hosp_part":   func(c *ledger.Command, _ *command.Details) { c.Bill.HospPart++ },
		"preselfpay":  func(c *ledger.Command, _ *command.Details) { c.Bill.Preselfpay++ },
		"inscp":       func(c *ledger.Command, _ *command.Details) { c.Bill.Inscp++ },
		"overlmt":     func(c *ledger.Command, _ *command.Details) { c.Bill.Overlmt++ },
		"fulamt":      func(c *ledger.Command, _ *command.Details) { c.Bill.Fulamt++ },
		"visit":       func(c *ledger.Command, _ *command.Details) { c.Day = 20_000 },
		"lines":       func(c *ledger.Command, _ *command.Details) { c.Visit = 9 },
		"used flag":   func(c *ledger.Command, _ *command.Details) { c.UsedFlag = 2 },
		"refuse":      func(c *ledger.Command, _ *command.Details) { c.Refuse = true },
		"expected":    func(c *ledger.Command, _ *command.Details) { c.HasExpected = true },
		"med_type":    func(_ *ledger.Command, d *command.Details) { d.MedType = 11 },
		"insutype":    func(_ *ledger.Command, d *command.Details) { d.Insutype = 310 },
	} {
		if digest(change) == first {
			t.Errorf("%s is content, but did not change the digest", name)
		}
	}
}

func TestAllocs(t *testing.T) {
	cmd, d := settlement()
	buf := command.Append(nil, &cmd, &d)
	var back ledger.Command
	if n := testing.AllocsPerRun(100, func() { buf = command.Append(buf[:0], &cmd, &d) }); n != 0 {
		t.Errorf("Append allocates %v times", n)
	}
	if n := testing.AllocsPerRun(100, func() { _, _ = command.Decode(buf, &back, nil) }); n != 0 {
		t.Errorf("Decode allocates %v times", n)
	}
}

// FuzzDecode: no bytes make the decoder panic, and what it takes has one encoding.
func FuzzDecode(f *testing.F) {
	cmd, d := settlement()
	f.Add(command.Append(nil, &cmd, &d))
	full, text := policyCommand(fullPolicy(), "name = \"x\"\n")
	f.Add(command.Append(nil, &full, &text))
	for _, e := range visitCommands() {
		f.Add(command.Append(nil, &e.command, &e.details))
	}
	for _, e := range entryCommands() {
		f.Add(command.Append(nil, &e.command, &e.details))
	}
	g := model.NewGenerator(2)
	for _, s := range append(g.Setup(), g.MixedBatch(300)) { // of every kind, and settlements with all they can carry
		for _, c := range s.Batch.Commands {
			f.Add(oracle.AppendCommand(nil, c))
		}
	}
	f.Fuzz(func(t *testing.T, src []byte) {
		var cmd ledger.Command
		var d command.Details
		n, err := command.Decode(src, &cmd, &d)
		var fast ledger.Command
		if m, fastErr := command.Decode(src, &fast, nil); (err == nil) != (fastErr == nil) || err == nil && (m != n || !sameCommand(&fast, &cmd)) {
			t.Fatalf("%x: with details %v, without %v", src, err, fastErr)
		}
		if err != nil {
			return
		}
		if again := command.Append(nil, &cmd, &d); !bytes.Equal(again, src[:n]) {
			t.Fatalf("%x was read and written as %x", src[:n], again)
		}
	})
}

func sameCommand(a, b *ledger.Command) bool {
	x, y := *a, *b
	x.More, y.More = nil, nil
	return reflect.DeepEqual(x, y)
}

// TestFast holds the hand-written settlement and the layout together.
func TestFast(t *testing.T) {
	for i := range 2000 {
		cmd, d := settlement()
		cmd.Refuse, cmd.HasExpected, cmd.UsedFlag = i%2 == 0, i%3 == 0, uint8(i%3)
		for range i % 9 {
			cmd.Passwords = cmd.Passwords.Add(ledger.Key{byte(i)}, ledger.Key{byte(i), 1})
		}
		cmd.CredType = ledger.CredentialType(i % 4)
		if i%7 == 0 {
			cmd.Day = int32(i) - 500
		}
		if i%5 == 0 {
			cmd.ID = ledger.Key{}
		}
		if i%11 < 4 { // lines of a visit
			cmd.Visit, cmd.Batch, cmd.Interim = ledger.At(uint64(1+i), i), uint64(i)<<50, i%11 < 2
		}
		if cmd.HasExpected {
			cmd.ExpectedAcct, cmd.ExpectedCash = int64(i)*977, int64(i)
		}
		cmd.Bill.Overlmt, cmd.Bill.Fulamt = int64(i)*i64(i), -int64(i)
		d.Blob = make([]byte, i)
		fast := command.Append(nil, &cmd, &d)
		if slow := command.SlowAppend(&cmd, &d); !bytes.Equal(fast, slow) {
			t.Fatalf("%x by hand, %x by the layout", fast, slow)
		}
		var one, two ledger.Command
		_, err1 := command.Decode(fast, &one, nil)
		_, err2 := command.Decode(fast, &two, &d)
		if err1 != nil || err2 != nil || !sameCommand(&one, &two) {
			t.Fatalf("%+v (%v) by hand, %+v (%v) by the layout", one, err1, two, err2)
		}
		for cut := range fast[:min(len(fast), 400)] { // every cut is refused by both
			short := append([]byte(nil), fast[:cut]...)
			if cut >= 2 {
				short[0], short[1] = byte(cut), 0
			}
			_, err1 := command.Decode(short, &one, nil)
			_, err2 := command.Decode(short, &two, &d)
			if (err1 == nil) != (err2 == nil) {
				t.Fatalf("cut at %d: %v by hand, %v by the layout", cut, err1, err2)
			}
		}
	}
}

func i64(i int) int64 { return int64(i) << 20 }

// FuzzReadBatch: a batch is refused or has commands of whole lengths.
func FuzzReadBatch(f *testing.F) {
	g := model.NewGenerator(3)
	for _, s := range g.Setup() {
		f.Add(oracle.Encode(s.Batch))
	}
	f.Fuzz(func(t *testing.T, src []byte) {
		b, err := command.ReadBatch(src)
		if err != nil {
			return
		}
		if offsets, err := b.Offsets(nil); err == nil && len(offsets) != b.Count {
			t.Fatalf("%d offsets of %d commands", len(offsets), b.Count)
		}
	})
}

func BenchmarkAppend(b *testing.B) {
	cmd, d := settlement()
	buf := command.Append(nil, &cmd, &d)
	b.SetBytes(int64(len(buf)))
	for b.Loop() {
		buf = command.Append(buf[:0], &cmd, &d)
	}
}

func BenchmarkDecode(b *testing.B) {
	cmd, d := settlement()
	buf := command.Append(nil, &cmd, &d)
	b.SetBytes(int64(len(buf)))
	for b.Loop() {
		_, _ = command.Decode(buf, &cmd, nil)
	}
}

const (
	goldenSettlement = "65000e010a48f1f90fde5df2cf362b142a8635460cc8ecf234ffd6dc4af29d0eb6275cb50c50343230313030303030303101298603b0e702d0d7010000b0e7020000028b953848dbdef3d57b32bf32f6eed2d6026d310c5034323031303030303030310000"
	goldenHead       = "0000000001000000003c3cbd9b010000010f87e9"
)
