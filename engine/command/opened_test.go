package command_test

import (
	"bytes"
	"math/rand/v2"
	"reflect"
	"testing"

	"gongji/bench/model"
	"gongji/bench/oracle"
	"gongji/engine/command"
	"gongji/engine/ledger"
)

// TestAdded: a batch cut with Add, from pieces and with limits of commands and bytes, is what Open reads from its payload.
func TestAdded(t *testing.T) {
	rng := rand.New(rand.NewPCG(1, 2))
	g := model.NewGenerator(2)
	steps := g.Setup()
	for range 40 {
		steps = append(steps, g.MixedBatch(60), g.MoneyBatch(60))
	}
	var added, opened command.Opened
	var payload []byte
	money, full, short := 0, 0, 0
	for _, s := range steps {
		whole, err := command.ReadBatch(oracle.Encode(s.Batch))
		if err != nil {
			t.Fatal(err)
		}
		src, left := bytes.Clone(whole.Commands), whole.Count
		for left > 0 {
			size, most := command.BatchHeadBytes+200+rng.IntN(1<<15), 1+rng.IntN(100)
			if rng.IntN(4) == 0 {
				size = command.BatchBytesMax
			}
			payload = added.Begin(payload)
			var want []byte
			for most > 0 && left > 0 {
				asked := min(most, left, 1+rng.IntN(40))
				was := len(payload)
				var took, used int
				payload, took, used = added.Add(payload, src, asked, size)
				if len(payload) != was+used || len(payload) > size {
					t.Fatalf("%d bytes and %d more are %d, at most %d", was, used, len(payload), size)
				}
				want = append(want, src[:used]...)
				src, left, most = src[used:], left-took, most-took
				if took < asked {
					full++
					if next := int(src[0]) | int(src[1])<<8; len(payload)+next <= size {
						t.Fatalf("%d bytes left out a command of %d, %d would do", len(payload), next, size)
					}
					break
				}
			}
			if len(want) == 0 { // the next command is longer than the whole batch
				short++
				n := int(src[0]) | int(src[1])<<8
				src, left = src[n:], left-1
				continue
			}
			added.End(payload, 77)
			if err := added.OpenAdded(); err != nil {
				t.Fatal(err)
			}
			if err := opened.Open(payload); err != nil {
				t.Fatal(err)
			}
			if !bytes.Equal(payload[command.BatchHeadBytes:], want) || !sameOpened(&added, &opened) {
				t.Fatalf("a batch of %d commands was cut as %d", len(opened.Offsets), len(added.Offsets))
			}
			if opened.Money {
				money++
			}
		}
	}
	if money == 0 || full == 0 {
		t.Errorf("vacuous: %d money batches, %d full ones, %d commands too long", money, full, short)
	}
}

func sameOpened(a, b *command.Opened) bool {
	for i := range a.Commands {
		if i >= len(b.Commands) || !sameCommand(&a.Commands[i], &b.Commands[i]) {
			return false
		}
	}
	return reflect.DeepEqual(a.Head, b.Head) && reflect.DeepEqual(a.Offsets, b.Offsets) && len(a.Commands) == len(b.Commands) && a.Money == b.Money && a.Undoes == b.Undoes
}

// TestAddedBroken: bytes that are no commands are a bug, found before the log has them.
func TestAddedBroken(t *testing.T) {
	cmd := ledger.Command{Kind: ledger.KindCredit, Person: ledger.K([]byte("p")), Amount: 1, Source: 1}
	src := command.Append(nil, &cmd, &command.Details{})
	for name, broken := range map[string][]byte{"cut short": src[:len(src)-1], "too short": {3, 0, 1, 0}, "no length": {9}} {
		panics(t, name, func() {
			var o command.Opened
			o.Add(o.Begin(nil), broken, 1, command.BatchBytesMax)
		})
	}
}
