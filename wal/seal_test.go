package wal

import "crypto/sha256"

// seal puts the right checksum before body.
func seal(body []byte) []byte {
	link := sha256.Sum256(body)
	return append(link[:], body...)
}
