package proof

import (
	"os"
	"strconv"
)

// SizeVariable chooses how large the runs are: "full" for `make proof`, "half" for CI; otherwise a tenth, for plain `go test`.
const SizeVariable = "GONGJI_PROOF"

// Of is the size of this run where the full one is n, at least 1.
func Of(n int) int {
	switch os.Getenv(SizeVariable) {
	case "full":
	case "half":
		n /= 2
	default:
		n /= 10
	}
	return max(n, 1)
}

// Asked tells whether proof runs were asked for. Tests of whole processes and machines (T9, T10, T11, T13, T15) run only then:
// `make proof` and CI do.
func Asked() bool {
	size := os.Getenv(SizeVariable)
	return size == "full" || size == "half"
}

// SeedVariable is added to the first seed of every test that has one: `make soak` counts it up round by round, so that no round repeats another.
const SeedVariable = "GONGJI_PROOF_SEED"

// Seed is the first seed of this run where first is that of a plain one. It panics if SeedVariable holds no number.
func Seed(first uint64) uint64 {
	text := os.Getenv(SeedVariable)
	if text == "" {
		return first
	}
	more, err := strconv.ParseUint(text, 10, 64)
	if err != nil {
		panic(SeedVariable + ": " + err.Error())
	}
	return first + more
}
