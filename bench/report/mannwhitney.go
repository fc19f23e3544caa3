package report

import "slices"

const (
	// testRunsMin: below four runs a side even a full separation has p = 0.1 (3 and 3), so there is nothing to test at 5 %.
	testRunsMin = 4
	// testRunsMax bounds the table of counts; 64 runs a side count up to 2.4e37 exactly enough for a p in float64.
	testRunsMax = 64
	significant = 0.05
)

// mannWhitney is the exact two-sided p of the Mann-Whitney U test: how likely ranks as far apart as these are if both sides come from one source.
// Equal values share their middle rank and the distribution is that of these very ranks, so ties need no correction. It is -1 if a side is empty or too long.
func mannWhitney(a, b []float64) float64 {
	if len(a) == 0 || len(b) == 0 || len(a) > testRunsMax || len(b) > testRunsMax {
		return -1
	}
	ranks, observed := doubledRanks(a, b)
	total := 0
	for _, r := range ranks {
		total += r
	}
	// counts[k][s]: subsets of k of the ranks seen so far that add up to s.
	counts := make([][]float64, len(a)+1)
	for k := range counts {
		counts[k] = make([]float64, total+1)
	}
	counts[0][0] = 1
	for _, r := range ranks {
		for k := len(a); k >= 1; k-- {
			for s := total; s >= r; s-- {
				counts[k][s] += counts[k-1][s-r]
			}
		}
	}
	var all, low, high float64
	for s, n := range counts[len(a)] {
		all += n
		if s <= observed {
			low += n
		}
		if s >= observed {
			high += n
		}
	}
	return min(1, 2*min(low, high)/all)
}

// doubledRanks gives twice the middle rank of every value of both sides, and the sum over those of a.
func doubledRanks(a, b []float64) (ranks []int, sumA int) {
	all := slices.Sorted(slices.Values(slices.Concat(a, b)))
	rank := func(v float64) int {
		first, _ := slices.BinarySearch(all, v)
		last := first
		for last+1 < len(all) && all[last+1] == v {
			last++
		}
		return first + last + 2 // ranks count from 1: (first+1)+(last+1)
	}
	for _, v := range all {
		ranks = append(ranks, rank(v))
	}
	for _, v := range a {
		sumA += rank(v)
	}
	return ranks, sumA
}
