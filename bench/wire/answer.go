package wire

import (
	"bytes"
	"errors"
)

// Limits of an answer: heads of the server have about 200 bytes; a batch of 1,000 lines has 300 KB, a refusal in each 500 KB.
const (
	headMax   = 4 << 10
	answerMax = 4 << 20
)

// head is what is read of an answer's head.
type head struct {
	status   int
	length   int // of the body
	size     int // of the head
	replayed bool
	closes   bool // the connection ends behind this answer
}

// errAnswer says that bytes are no answer of this server.
var errAnswer = errors.New("wire: not an HTTP/1.1 answer with a length")

var (
	crlfcrlf       = []byte("\r\n\r\n")
	nameLength     = []byte("content-length")
	nameReplayed   = []byte("idempotency-replayed")
	nameConnection = []byte("connection")
	nameTransfer   = []byte("transfer-encoding")
)

// readHead reads a head at the beginning of b; ok is false if it is not complete.
func readHead(b []byte) (h head, ok bool, err error) {
	end := bytes.Index(b[:min(len(b), headMax)], crlfcrlf)
	if end < 0 {
		if len(b) >= headMax {
			return h, false, errAnswer
		}
		return h, false, nil
	}
	h.size, h.length = end+len(crlfcrlf), -1
	line, rest := cutLine(b[:end+2])
	if len(line) < 13 || string(line[:9]) != "HTTP/1.1 " || line[12] != ' ' {
		return h, false, errAnswer
	}
	if h.status = number(line[9:12]); h.status < 200 {
		return h, false, errAnswer
	}
	for len(rest) > 0 {
		line, rest = cutLine(rest)
		name, value, found := bytes.Cut(line, []byte{':'})
		if !found || !h.header(name, bytes.TrimSpace(value)) {
			return h, false, errAnswer
		}
	}
	if h.length < 0 || h.length > answerMax {
		return h, false, errAnswer
	}
	return h, true, nil
}

// cutLine cuts behind CR LF, of which there is one.
func cutLine(b []byte) (line, rest []byte) {
	i := bytes.IndexByte(b, '\n')
	return b[:max(0, i-1)], b[i+1:]
}

// header looks at one; false: the answer cannot be framed.
func (h *head) header(name, value []byte) bool {
	switch {
	case is(name, nameLength):
		if h.length >= 0 {
			return false
		}
		h.length = number(value)
		return h.length >= 0
	case is(name, nameReplayed):
		h.replayed = true
	case is(name, nameConnection):
		h.closes = is(value, []byte("close"))
	case is(name, nameTransfer):
		return false
	}
	return true
}

// is compares without case; want is in small letters.
func is(name, want []byte) bool {
	if len(name) != len(want) {
		return false
	}
	for i, c := range name {
		if c >= 'A' && c <= 'Z' {
			c |= 0x20
		}
		if c != want[i] {
			return false
		}
	}
	return true
}

// number is -1 for what is none.
func number(b []byte) int {
	n := 0
	for _, c := range b {
		if c-'0' > 9 {
			return -1
		}
		n = n*10 + int(c-'0')
	}
	if len(b) == 0 || len(b) > 9 {
		return -1
	}
	return n
}
