package ledger

// AheadMax is how many commands Ahead takes: their index slots and rows (a line each) stay within an L1 cache of 48 KiB.
const AheadMax = 64

// Ahead loads what the rules will look up first for each command: index slot, person row, and of who may draw on somebody, his first binding and
// its authorizer. The loads do not depend on one another, so
// their cache misses overlap; one after the other they were a third of the time of a settlement (BenchmarkExecute). It decides nothing;
// the sum only keeps the compiler from dropping the loads.
//
//go:noinline
func Ahead(s *State, commands []Command) (sum uint64) {
	slots := s.byKey.slots
	if len(slots) == 0 {
		return 0
	}
	mask := uint64(len(slots) - 1)
	var numbers [AheadMax]uint32
	for i := range commands {
		numbers[i] = slots[commands[i].Person.hash()&mask] & indexNumberMask
	}
	for i := range commands {
		if n := numbers[i]; n != 0 {
			p := s.Persons.At(n - 1)
			sum += uint64(p.Balance)
			numbers[i] = p.Draws
		}
	}
	for i := range commands {
		if n := numbers[i]; n != 0 {
			numbers[i] = s.Bindings.At(n-1).Authorizer + 1
		}
	}
	for i := range commands {
		if n := numbers[i]; n != 0 {
			sum += uint64(s.Persons.At(n - 1).Balance)
		}
	}
	return sum
}
