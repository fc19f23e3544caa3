package journal

import "crypto/sha256"

// Link is a value of the effect chain, which pins everything that happened up to a batch (design.md 3, "Two digests"). The link before
// the first batch is all zero.
type Link [sha256.Size]byte

// chainDomain separates the chain from every other use of SHA-256; the number is the chain's version.
const chainDomain = "gongji effects 0"

// Next is the link after a block: SHA-256 of the domain, the previous link and the block.
func (l Link) Next(block []byte) Link {
	h := sha256.New()
	_, _ = h.Write([]byte(chainDomain)) // a hash never fails
	_, _ = h.Write(l[:])
	_, _ = h.Write(block)
	var next Link
	h.Sum(next[:0])
	return next
}
