package command_test

import (
	"encoding/hex"
	"testing"

	"gongji/engine/command"
	"gongji/engine/ledger"
)

// people are commands about persons with every field told, and a settlement with all that it can carry.
func people() map[string]ledger.Command {
	more := func(m ledger.More) *ledger.More { return &m }
	enrolment := ledger.Enrolment{Insutype: 310, Status: 4, Area: 420100, Begin: -1, End: 20_000, PsnType: 1101, Flexible: 1, Reason: ledger.ReasonDead}
	full, _ := settlement()
	full.CredType, full.Day = ledger.CredentialCard, 20_000
	full.Passwords = full.Passwords.Add(ledger.Key{1}, ledger.Key{2}).Add(ledger.Key{3}, ledger.Key{4})
	return map[string]ledger.Command{
		"enrolment":      {Kind: ledger.KindEnrolment, Person: ledger.Key{1}, More: more(ledger.More{Enrolments: []ledger.Enrolment{enrolment}})},
		"freeze":         {Kind: ledger.KindFreeze, Person: ledger.Key{1}, More: more(ledger.More{Freeze: ledger.Freeze{Frozen: true, Reason: 2, Operators: [2]ledger.Key{{5}, {6}}}})},
		"family freeze":  {Kind: ledger.KindFreeze, More: more(ledger.More{Freeze: ledger.Freeze{IsFamily: true, Reason: 1, Family: 300, Operators: [2]ledger.Key{{5}, {6}}}})},
		"password":       {Kind: ledger.KindPassword, Person: ledger.Key{1}, More: more(ledger.More{Secret: ledger.Secret{Action: ledger.PasswordChange, Old: ledger.Key{7}, New: ledger.Key{8}}})},
		"password reset": {Kind: ledger.KindPassword, Person: ledger.Key{1}, More: more(ledger.More{Secret: ledger.Secret{Action: ledger.PasswordReset}})},
		"card":           {Kind: ledger.KindCredential, CredType: ledger.CredentialCard, Person: ledger.Key{1}, Other: ledger.Key{9}, More: more(ledger.More{State: ledger.CardLost})},
		"change":         {Kind: ledger.KindPersonChange, Person: ledger.Key{1}, More: more(ledger.More{Change: ledger.Change{Mask: ledger.ChangeAll, Evoucher: true, Area: 420100, Birth: -9}})},
		"settlement":     full,
	}
}

// TestGoldenPeople pins their bytes (R19, R21, R23, R27).
func TestGoldenPeople(t *testing.T) {
	for name, cmd := range people() {
		if got := hex.EncodeToString(command.Append(nil, &cmd, &command.Details{})); got != goldenPeople[name] {
			t.Errorf("%q: %q,", name, got)
		}
	}
	if len(goldenPeople) != len(people()) {
		t.Errorf("%d golden commands", len(goldenPeople))
	}
}

// TestImpossiblePeople: values outside their sets cannot be read (DESIGN.md 6 of the ledger). offset is where the spoiled byte lies.
func TestImpossiblePeople(t *testing.T) {
	for _, c := range []struct {
		name   string
		offset int // from the front; negative: from the end
		value  byte
	}{
		{"enrolment", -6, 2},      // flexible
		{"enrolment", -5, 6},      // reason
		{"freeze", 4, 2},          // whose
		{"freeze", 4, 1},          // a family with a person's key
		{"freeze", 22, 2},         // frozen
		{"password", 20, 4},       // action
		{"card", 36, 2},           // type
		{"card", 37, 0},           // state
		{"card", 37, 4},           // state
		{"change", 20, 0},         // mask
		{"change", 20, 16},        // mask
		{"change", 21, 2},         // e-voucher
		{"settlement", 0, 0},      // length
		{"password reset", 20, 1}, // a digest is missing
	} {
		cmd := people()[c.name]
		b := command.Append(nil, &cmd, &command.Details{})
		if at := (c.offset + len(b)) % len(b); b[at] == c.value {
			t.Fatalf("%s: byte %d is %d already", c.name, at, c.value)
		} else {
			b[at] = c.value
		}
		var back ledger.Command
		if _, err := command.Decode(b, &back, &command.Details{}); err == nil {
			t.Errorf("%s with byte %d = %d is taken: %+v", c.name, c.offset, c.value, back.More)
		}
	}
}

var goldenPeople = map[string]string{
	"card":           "2a001b000100000000000000000000000000000009000000000000000000000000000000030200000000",
	"change":         "1e002400010000000000000000000000000000000f0184d2191100000000",
	"enrolment":      "2600070001000000000000000000000000000000b6020484d21901c0b802cd08010200000000",
	"family freeze":  "3d0019000100000000000000000000000000000000ac020001050000000000000000000000000000000600000000000000000000000000000000000000",
	"freeze":         "3c0019000001000000000000000000000000000000000102050000000000000000000000000000000600000000000000000000000000000000000000",
	"password reset": "19001a00010000000000000000000000000000000300000000",
	"password":       "39001a000100000000000000000000000000000002070000000000000000000000000000000800000000000000000000000000000000000000",
	"settlement":     "99000e010a48f1f90fde5df2cf362b142a8635460cc8ecf234ffd6dc4af29d0eb6275cb50c503432303130303030303031110000b0e702d0d7010000b0e7020000c0b8020b8b953848dbdef3d57b32bf32f6eed2d60100000000000000000000000000000002000000000000000000000000000000030000000000000000000000000000000400000000000000000000000000000000000000",
}
