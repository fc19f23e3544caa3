//go:build !race

package command_test

import (
	"testing"

	"gongji/engine/command"
)

// TestOpenAllocs: a batch of settlements is opened in memory that is used again: no allocation once it has grown. (Append and Decode of one: TestAllocs.)
func TestOpenAllocs(t *testing.T) {
	const size = 500
	cmd, d := settlement()
	batch := command.BeginBatch(nil)
	for range size {
		batch = command.Append(batch, &cmd, &d)
	}
	command.EndBatch(batch, size, 1_768_406_400_000)
	var o command.Opened
	open := func() {
		if err := o.Open(batch); err != nil || !o.Money || len(o.Commands) != size {
			t.Fatal(err, len(o.Commands))
		}
	}
	open()
	if n := testing.AllocsPerRun(20, open); n != 0 {
		t.Errorf("%v allocations a batch of %d", n, size)
	}
	build := func() {
		batch = command.BeginBatch(batch)
		for range size {
			batch = command.Append(batch, &cmd, &d)
		}
		command.EndBatch(batch, size, 1_768_406_400_000)
	}
	if n := testing.AllocsPerRun(20, build); n != 0 {
		t.Errorf("%v allocations to make a batch of %d", n, size)
	}
}
