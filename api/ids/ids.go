package ids

// Kind is the letter in front of an id. None of them is a letter that Crockford folds into a digit
// (I, L, O) or uses as a check symbol (U).
type Kind byte

// The kinds of id.
const (
	Settlement Kind = 'S'
	Reversal   Kind = 'R'
	Binding    Kind = 'B'
	Family     Kind = 'F'
	Premium    Kind = 'P'
	Entry      Kind = 'E' // credits, account debits, allocations, clearings: any other journal entry
)

const (
	// Len is the length of every id: the kind, 13 digits of 5 bits for 64 bits, the check symbol.
	// A fixed length makes ids sort like their numbers.
	Len = 1 + numberDigits + 1

	numberDigits = 13

	// indexBits is the part of a position that counts commands inside a batch; design.md 4: a
	// position is (sequence, index in the batch). 2^20 commands a batch, 2^44 batches.
	indexBits = 20

	// SequenceMax and IndexMax are the largest parts that fit in a position.
	SequenceMax = 1<<(64-indexBits) - 1
	IndexMax    = 1<<indexBits - 1
)

// Error says why a text is not an id, or not an identity number. It never carries the text.
type Error uint8

// The reasons.
const (
	ErrLength   Error = iota + 1 // not the length of an id
	ErrKind                      // another kind of id than asked for
	ErrSymbol                    // a character outside the alphabet
	ErrRange                     // 13 digits that do not fit in 64 bits
	ErrCheck                     // the check symbol does not fit: mistyped
	ErrPosition                  // sequence or index too large for a position
	ErrCertno                    // not 17 digits and a check character
	ErrBirth                     // the birth date inside an identity number is impossible
)

var errorTexts = [...]string{
	ErrLength: "ids: wrong length", ErrKind: "ids: wrong kind of id", ErrSymbol: "ids: character outside the alphabet",
	ErrRange: "ids: number out of range", ErrCheck: "ids: check character does not fit",
	ErrPosition: "ids: sequence or index too large", ErrCertno: "ids: not an 18-character identity number",
	ErrBirth: "ids: impossible birth date",
}

// Error implements error.
func (e Error) Error() string { return errorTexts[e] }

// symbols holds the 32 digits and behind them Crockford's five further check symbols.
const symbols = "0123456789ABCDEFGHJKMNPQRSTVWXYZ*~$=U"

const checkModulus = 37

// values maps a byte to its value in symbols plus 1; 0 is "not a symbol". Lower case and the
// look-alikes I, L (1) and O (0) are folded, as Crockford says.
var values = func() (t [256]uint8) {
	for i := range len(symbols) {
		c := symbols[i]
		t[c] = uint8(i + 1)
		if c >= 'A' && c <= 'Z' {
			t[c|0x20] = uint8(i + 1)
		}
	}
	for _, c := range "IiLl" {
		t[c] = t['1']
	}
	for _, c := range "Oo" {
		t[c] = t['0']
	}
	return t
}()

// Position packs a journal position into one number: sequence<<20 | index.
func Position(sequence uint64, index uint32) (uint64, error) {
	if sequence > SequenceMax || index > IndexMax {
		return 0, ErrPosition
	}
	return sequence<<indexBits | uint64(index), nil
}

// SplitPosition is the inverse of Position.
func SplitPosition(position uint64) (sequence uint64, index uint32) {
	return position >> indexBits, uint32(position & IndexMax)
}

// Append appends the canonical id (upper case, Len characters) of v to dst.
func Append(dst []byte, k Kind, v uint64) []byte {
	dst = append(dst, byte(k))
	for shift := 5 * (numberDigits - 1); shift >= 0; shift -= 5 {
		dst = append(dst, symbols[v>>shift&31])
	}
	return append(dst, symbols[check(k, v)])
}

// Parse reads an id of kind k. Small letters and look-alikes are accepted; two texts that Parse
// accepts give the same number only if they are the same id. It keeps nothing of s.
func Parse[T ~string | ~[]byte](k Kind, s T) (uint64, error) {
	if len(s) != Len {
		return 0, ErrLength
	}
	if s[0]&^0x20 != byte(k) {
		return 0, ErrKind
	}
	var v uint64
	for i := 1; i <= numberDigits; i++ {
		d := values[s[i]]
		if d == 0 || d > 32 {
			return 0, ErrSymbol
		}
		if v>>59 != 0 { // only before the last digit can the top 5 bits be in use: 65 bits do not fit
			return 0, ErrRange
		}
		v = v<<5 | uint64(d-1)
	}
	d := values[s[Len-1]]
	if d == 0 {
		return 0, ErrSymbol
	}
	if uint64(d-1) != check(k, v) {
		return 0, ErrCheck
	}
	return v, nil
}

// check is the number behind its kind letter modulo 37: the letter counts as a digit above the
// number, so a wrong kind shows like any other wrong character. 37 is prime and larger than the
// alphabet: every single wrong digit and every swap of two different digits changes the result.
func check(k Kind, v uint64) uint64 {
	const twoTo65 = 1 << 32 % checkModulus * (1 << 33 % checkModulus) % checkModulus
	return (uint64(k)*twoTo65 + v%checkModulus) % checkModulus
}

// AppendSettlement appends the setl_id of a settlement's position.
func AppendSettlement(dst []byte, position uint64) []byte { return Append(dst, Settlement, position) }

// ParseSettlement reads a setl_id.
func ParseSettlement[T ~string | ~[]byte](s T) (position uint64, err error) {
	return Parse(Settlement, s)
}

// AppendReversal appends the id of a reversal's position.
func AppendReversal(dst []byte, position uint64) []byte { return Append(dst, Reversal, position) }

// ParseReversal reads the id of a reversal.
func ParseReversal[T ~string | ~[]byte](s T) (position uint64, err error) { return Parse(Reversal, s) }

// AppendBinding appends the id of a binding number.
func AppendBinding(dst []byte, number uint64) []byte { return Append(dst, Binding, number) }

// ParseBinding reads the id of a binding.
func ParseBinding[T ~string | ~[]byte](s T) (number uint64, err error) { return Parse(Binding, s) }

// AppendFamily appends the id of a family number.
func AppendFamily(dst []byte, number uint64) []byte { return Append(dst, Family, number) }

// ParseFamily reads the id of a family.
func ParseFamily[T ~string | ~[]byte](s T) (number uint64, err error) { return Parse(Family, s) }

// AppendPremium appends the id of a premium's position.
func AppendPremium(dst []byte, position uint64) []byte { return Append(dst, Premium, position) }

// ParsePremium reads the id of a premium.
func ParsePremium[T ~string | ~[]byte](s T) (position uint64, err error) { return Parse(Premium, s) }

// AppendEntry appends the id of any other entry's position.
func AppendEntry(dst []byte, position uint64) []byte { return Append(dst, Entry, position) }

// ParseEntry reads the id of any other entry.
func ParseEntry[T ~string | ~[]byte](s T) (position uint64, err error) { return Parse(Entry, s) }
