//go:build !race

package executor_test

import (
	"math/rand/v2"
	"testing"

	"gongji/engine/executor"
	"gongji/engine/ledger"
)

// TestAllocs: once its memory has grown, executing a batch of settlements allocates nothing, serially or over shards.
func TestAllocs(t *testing.T) {
	const persons, size, batches = 2000, 300, 40
	state := benchState(persons)
	rng := rand.New(rand.NewPCG(1, 2))
	var id uint64
	var payloads [][]byte
	for range batches {
		payloads = append(payloads, benchBatch(rng, persons, size, &id))
	}
	key, sequence := [32]byte{1}, uint64(1) // goes on: an account's entries follow one another
	for _, shards := range []int{0, 1, 2} {
		store := executor.Store{State: state, IDs: newTableIDs(1 << 14), Originals: newHistory()}
		var x executor.Executor = executor.NewSerial(store)
		if shards > 0 {
			x = executor.NewSharded(store, shards, 1, 1)
		}
		var batch executor.Batch
		var effects ledger.Effects
		n := 0
		run := func() {
			sequence++
			if err := batch.Open(sequence, payloads[n]); err != nil {
				t.Fatal(err)
			}
			batch.DayKey = &key
			x.Execute(&batch, &effects)
			n++
		}
		for range 10 {
			run()
		}
		if a := testing.AllocsPerRun(batches-12, run); a > 0 {
			t.Errorf("%d shards: %v allocations a batch of %d", shards, a, size)
		}
		x.Close()
	}
}
