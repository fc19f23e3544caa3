package api

import (
	"crypto/rand"
	"encoding/binary"
	"sync/atomic"
)

// requestIDLen is a 64-bit number in Crockford base32, 13 digits.
const requestIDLen = 13

// requestIDs makes ids that are unique within a process (a bijection of a counter) and, by the random
// start, between processes. They are names for log lines, not secrets.
type requestIDs struct {
	next atomic.Uint64
	seed uint64
}

func newRequestIDs() *requestIDs {
	var b [16]byte
	rand.Read(b[:]) // never fails: the runtime ends the process if the system has no randomness
	g := &requestIDs{seed: binary.LittleEndian.Uint64(b[8:])}
	g.next.Store(binary.LittleEndian.Uint64(b[:8]))
	return g
}

// append writes the next id. The steps of the mixing (splitmix64's finisher) are each invertible, so
// two counters never give one id.
func (g *requestIDs) append(dst []byte) []byte {
	z := g.next.Add(1) ^ g.seed
	z = (z ^ z>>30) * 0xbf58476d1ce4e5b9
	z = (z ^ z>>27) * 0x94d049bb133111eb
	z ^= z >> 31
	for shift := 60; shift >= 0; shift -= 5 {
		dst = append(dst, "0123456789ABCDEFGHJKMNPQRSTVWXYZ"[z>>shift&31])
	}
	return dst
}

// traceparentLen is "00-" 32 hex "-" 16 hex "-" 2 hex (W3C Trace Context, version 00).
const traceparentLen = 55

// traceIDAt and traceIDLen are the trace id's place in it.
const (
	traceIDAt  = 3
	traceIDLen = 32
)

// validTraceparent tells whether b is a version-00 traceparent with non-zero ids. Anything else is
// ignored, as the standard asks; a request is never refused for its tracing.
func validTraceparent(b []byte) bool {
	if len(b) != traceparentLen || b[0] != '0' || b[1] != '0' || b[2] != '-' || b[35] != '-' || b[52] != '-' {
		return false
	}
	return hexNotZero(b[3:35]) && hexNotZero(b[36:52]) && isHex(b[53:55])
}

func isHex(b []byte) bool {
	for _, c := range b {
		if c-'0' > 9 && c-'a' > 5 {
			return false
		}
	}
	return true
}

func hexNotZero(b []byte) bool {
	zero := true
	for _, c := range b {
		zero = zero && c == '0'
	}
	return !zero && isHex(b)
}
