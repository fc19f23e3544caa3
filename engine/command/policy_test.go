package command_test

import (
	"bytes"
	"encoding/hex"
	"reflect"
	"testing"

	"gongji/engine/command"
	"gongji/engine/ledger"
)

// fullPolicy has another value in every field but At, which is not in the log, and flags, which are all 1.
func fullPolicy() ledger.Policy {
	p := ledger.Policy{Name: [ledger.NameMax]byte([]byte("hubei-narrow\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00"))}
	next := uint64(1)
	v := reflect.ValueOf(&p).Elem()
	for i := range v.NumField() {
		f, name := v.Field(i), v.Type().Field(i).Name
		if name == "At" || name == "Name" || name == "_" {
			continue
		}
		if i >= v.NumField()-11 { // the flags and the blank
			f.SetUint(1)
			continue
		}
		fill(f, &next)
	}
	return p
}

func fill(f reflect.Value, next *uint64) {
	switch f.Kind() {
	case reflect.Array:
		for i := range f.Len() {
			fill(f.Index(i), next)
		}
		return
	case reflect.Int64:
		f.SetInt(int64(*next))
	default:
		f.SetUint(*next)
	}
	*next++
}

func policyCommand(p ledger.Policy, text string) (ledger.Command, command.Details) {
	return ledger.Command{Kind: ledger.KindPolicy, More: &ledger.More{Policy: p}}, command.Details{Text: []byte(text)}
}

// TestPolicyFields: every field of a policy and the text come back.
func TestPolicyFields(t *testing.T) {
	want := fullPolicy()
	cmd, d := policyCommand(want, "name = \"hubei-narrow\"\n")
	src := command.Append(nil, &cmd, &d)
	var back ledger.Command
	var details command.Details
	if _, err := command.Decode(src, &back, &details); err != nil {
		t.Fatal(err)
	}
	if back.More.Policy != want || !bytes.Equal(details.Text, d.Text) {
		t.Errorf("%+v %q\nbecame\n%+v %q", want, d.Text, back.More.Policy, details.Text)
	}
	if got := hex.EncodeToString(src); got != goldenPolicy {
		t.Errorf("policy is now\n%s, was\n%s", got, goldenPolicy)
	}
}

// TestPolicyLimits: what has two spellings or breaks a limit is neither written nor read.
func TestPolicyLimits(t *testing.T) {
	good := fullPolicy()
	cmd, d := policyCommand(good, "x")
	src := command.Append(nil, &cmd, &d)
	const nameAt = 4 + 1 // head, length
	for what, spoil := range map[string]func(*ledger.Policy){
		"capital letter": func(p *ledger.Policy) { p.Name[0] = 'H' },
		"gap":            func(p *ledger.Policy) { p.Name[3] = 0 },
		"flag 2":         func(p *ledger.Policy) { p.SelfFirst = 2 },
		"last flag 2":    func(p *ledger.Policy) { p.PausedMoneyUsable = 2 },
	} {
		bad := good
		spoil(&bad)
		panics(t, what, func() {
			cmd, d := policyCommand(bad, "x")
			command.Append(nil, &cmd, &d)
		})
	}
	panics(t, "text", func() {
		cmd, d := policyCommand(good, string(make([]byte, command.ProfileMax+1)))
		command.Append(nil, &cmd, &d)
	})
	cmd, d = policyCommand(good, string(make([]byte, command.ProfileMax)))
	command.Append(nil, &cmd, &d) // fits

	for what, at := range map[string]int{"name": nameAt, "flag": len(src) - 3} { // -3: last flag, then length and text
		bad := bytes.Clone(src)
		bad[at] = 2
		if _, err := command.Decode(bad, &ledger.Command{}, nil); err == nil {
			t.Errorf("%s 2 was read", what)
		}
	}
}

func panics(t *testing.T, what string, write func()) {
	t.Helper()
	defer func() {
		if recover() == nil {
			t.Errorf("%s was written", what)
		}
	}()
	write()
}

const goldenPolicy = "970002000c68756265692d6e6172726f774905060708090a0b0c0d0e0f101112131415161718191a1b1c1d1e1f20212223240102030425262728292a2b2c2d2e2f303132333435363738393a3b3c3d3e3f4041424344454647484a4b4c4d4e4f505152535455565758595a5b5c5d5e5f60616263646501010101010101010101166e616d65203d202268756265692d6e6172726f77220a"
