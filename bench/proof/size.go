package proof

import "os"

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
