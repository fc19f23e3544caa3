package ledger

import (
	"crypto/sha256"
	"encoding/binary"
)

// Limits of the ledger. They are part of the format: every replica and replay must use the same.
const (
	AmountMax     = 9_999_999_999_999_999     // fen; 16,2 digits of the national interface
	FundingMax    = 4_000_000_000_000_000_000 // fen; net money brought in, and payouts to institutions: both together below 2^63, so that no sum of accounts can wrap
	PersonsMax    = 1<<27 - 1                 // the largest province has about 127 million people; index.go keeps numbers in 27 bits
	BindingsMax   = 1<<27 - 1                 // ended ones count; the index of their tails keeps numbers in 27 bits
	RelativesMax  = 32                        // active bindings of one user; the hard limit behind max_authorizers (K4)
	EnrolmentsMax = 8                         // in one Person command
	UnbindingsMax = 64                        // bindings in one Unbinding command
	OrderMax      = RelativesMax + 1          // elements of a debit order: every binding and the own account
	EndReasonsMax = 9                         // reason codes of a forced unbinding; their texts are api/rest's
	SourcesMax    = 15                        // highest funding source number
	PremiumsMax   = 2                         // highest premium type (M6, M7)
	RedosMax      = 4                         // of one settlement: mistakes about one bill; bounds the undo chain to 2 RedosMax + 1 marks, looked up one by one
	PremiumTries  = 8                         // premiums of one insured, type and year, refunded ones included: a mistake or two, not a game; bounds the marks looked up
	ReasonsMax    = 4                         // highest reason of an account debit
	BankPayouts   = 0                         // number of the fund bank's account that pays institutions (R17)
	DayKeyBytes   = 32
	SealedKeyMax  = 64 // nonce 12 + key 32 + tag 16, rounded up

	dayMS     = 86_400_000
	zoneMS    = 8 * 3_600_000 // +08:00, China has one zone and no summer time
	openEnded = 1<<31 - 1     // the day of an interval without an end
)

// Key identifies a person, a message id, a run or a mark: 16 bytes of SHA-256 (see K), uniform.
type Key [16]byte

// IsZero reports the absent key.
func (k Key) IsZero() bool { return k == Key{} }

func (k Key) hash() uint64 { return binary.LittleEndian.Uint64(k[:8]) }

func (k Key) high() uint64 { return binary.LittleEndian.Uint64(k[8:]) }

// K derives a key from texts; each is preceded by its length, so no two lists of texts give the same bytes.
func K(texts ...[]byte) Key {
	var buf [192]byte
	b := buf[:0]
	for _, t := range texts {
		b = binary.BigEndian.AppendUint32(b, uint32(len(t)))
		b = append(b, t...)
	}
	sum := sha256.Sum256(b)
	return Key(sum[:16])
}

// Position is a command's place in the log: sequence of the batch and index in it.
type Position uint64

const (
	indexBits = 20
	// CommandsMax is the most commands a batch can hold: the index takes 20 bits of a position.
	CommandsMax = 1 << indexBits
)

// At builds the position of a command.
func At(sequence uint64, index int) Position { return Position(sequence<<indexBits | uint64(index)) }

// Sequence is the batch's sequence, from 1.
func (p Position) Sequence() uint64 { return uint64(p) >> indexBits }

// Index is the command's index in its batch, from 0.
func (p Position) Index() int { return int(uint64(p) & (CommandsMax - 1)) }

// AccountKind is the first byte of an account id.
type AccountKind uint8

// Account kinds of design.md 4. Numbers are part of the format.
const (
	KindPersonal       AccountKind = 1
	KindFamily         AccountKind = 2
	KindInstitution    AccountKind = 3
	KindPremiumPayable AccountKind = 4
	KindAreaDue        AccountKind = 5
	KindFundBank       AccountKind = 6
	KindFunding        AccountKind = 7
)

// AccountID is kind << 56 | number.
type AccountID uint64

// Account builds an account id.
func Account(kind AccountKind, number uint32) AccountID {
	return AccountID(uint64(kind)<<56 | uint64(number))
}

// Kind of the account.
func (a AccountID) Kind() AccountKind { return AccountKind(a >> 56) }

// Number of the account's holder within its kind.
func (a AccountID) Number() uint32 { return uint32(a) }

// DayOf is the civil date at +08:00 of a time in ms since 1970 UTC, as days since 1970-01-01.
func DayOf(timeMS int64) int32 {
	t := timeMS + zoneMS
	if t < 0 {
		return int32((t - dayMS + 1) / dayMS)
	}
	return int32(t / dayMS)
}
