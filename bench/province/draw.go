package province

import "math/bits"

// A stream names one independent use of randomness, so that adding a draw never changes the others.
// The numbers are part of the generator's format: never renumber, the golden hash would change.
const (
	streamBlock uint64 = iota + 1
	streamAge
	streamGender
	streamCategory
	streamStatus
	streamVoucher
	streamFamilyArea
	streamPersonArea
	streamSurname
	streamGiven
	streamResidue
	streamEnrolment
	streamOpening
	streamOpeningZero
	streamMonthly
	streamBinding
	streamBillKind
	streamBillPlace
	streamBillPatient
	streamBillPayable
	streamBillParts
	streamBillInstitution
	streamHospitalLevel
	streamDayTag
)

// mix64 is the finaliser of SplitMix64 (Steele, Lea, Flood 2014): a bijection with full avalanche. Our own
// few lines instead of math/rand, because the bytes must stay the same over Go versions and machines.
func mix64(x uint64) uint64 {
	x ^= x >> 30
	x *= 0xbf58476d1ce4e5b9
	x ^= x >> 27
	x *= 0x94d049bb133111eb
	return x ^ x>>31
}

// golden is 2^64 divided by the golden ratio, SplitMix64's increment.
const golden = 0x9e3779b97f4a7c15

// draw is the pseudo-random word at (seed, stream, a, b): a pure function, so everything has random access.
func draw(seed, stream, a, b uint64) uint64 {
	h := mix64(seed + stream*golden)
	h = mix64(h + (a+1)*golden)
	return mix64(h + (b+1)*golden)
}

// below maps a random word to 0 <= x < n. The bias is under n/2^64.
func below(word uint64, n int) int {
	hi, _ := bits.Mul64(word, uint64(n))
	return int(hi)
}

// happens is true with part in 1,000,000.
func happens(word uint64, ppm int) bool { return below(word, million) < ppm }

const million = 1_000_000
