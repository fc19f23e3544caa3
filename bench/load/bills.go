package load

import (
	"bytes"
	"encoding/binary"
	"math/rand/v2"
	"strconv"

	"gongji/bench/province"
	"gongji/engine/command"
	"gongji/engine/ledger"
)

// A bill is one of a few thousand made beforehand: what it asks and its settlement as the log encodes it, in which only patient, institution and message
// are patched. So the generator costs a copy and not an encoder, and goes along with any change of the format.
type bill struct {
	payable  int64  // fen that accounts may pay
	psnPart  int64  // fen the person bears
	at       uint32 // of its template in bills.templates
	length   uint8
	other    uint8 // where the credential's key lies in the template
	message  uint8
	pharmacy bool
}

// billsEach is how many bills of each kind there are: enough for every length of every amount, few enough (300 KB with templates) to leave the second-level
// cache to the engine.
const billsEach = 1_024

// bills are the tables of a workload; indices into list.
type bills struct {
	list      []bill
	templates []byte
	inputs    []ledger.BillInput
	codes     [][codeBytes]byte // of institutions
	own       []uint16          // of those who pay themselves
	aid       []uint16          // of those whose relatives pay
}

// Places that are patched. Settlements begin with length, kind and flags, id, person, code's length and text; the tables are checked against the
// encoder when they are made.
const (
	idAt         = 4
	personAt     = idAt + 16
	codeAt       = personAt + 16 + 1
	messageBytes = 24
)

// Sentinels: uniform bytes that no amount contains.
var (
	sentinelID, sentinelPerson, sentinelOther = mixed(1 << 60), mixed(2 << 60), mixed(3 << 60)
	sentinelMessage                           = append(append([]byte{}, mixedBytes(4<<60)...), mixedBytes(5 << 60)[:8]...)
)

func mixedBytes(x uint64) []byte {
	k := mixed(x)
	return k[:]
}

// add makes a bill's template and appends its number to a list.
func (t *bills) add(to *[]uint16, in ledger.BillInput, medType, insutype uint32, payable int64) {
	cmd := ledger.Command{Kind: ledger.KindSettlement, ID: sentinelID, Person: sentinelPerson, Other: sentinelOther, CredType: ledger.CredentialCertificate, UsedFlag: 1, Institution: code(0), Bill: in}
	text := command.Append(nil, &cmd, &command.Details{MedType: medType, Insutype: insutype, Message: sentinelMessage})
	b := bill{payable: payable, psnPart: in.Medfee - in.Fund - in.HospPart, pharmacy: medType == medPharmacy, at: uint32(len(t.templates)), length: uint8(len(text)),
		other: place(text, sentinelOther[:]), message: place(text, sentinelMessage)}
	if len(text) > 255 || place(text, sentinelID[:]) != idAt || place(text, sentinelPerson[:]) != personAt || !bytes.Equal(text[codeAt:codeAt+codeBytes], cmd.Institution.Bytes()) {
		panic("BUG: the layout of a settlement has changed: patch its template elsewhere")
	}
	*to = append(*to, uint16(len(t.list)))
	t.list, t.inputs, t.templates = append(t.list, b), append(t.inputs, in), append(t.templates, text...)
}

// name makes the codes of institutions.
func (t *bills) name(institutions int) {
	for i := range institutions {
		c := code(i)
		t.codes = append(t.codes, [codeBytes]byte(c.Bytes()))
	}
}

func place(text, what []byte) uint8 {
	at := bytes.Index(text, what)
	if at < 0 || at > 255 {
		panic("BUG: no place for a sentinel in the first 256 bytes of a template")
	}
	return uint8(at)
}

// medPharmacy is med_type 41, buying at a pharmacy.
const medPharmacy = 41

// nationalBills have the published means and long tails, the shares of pharmacies, wards and insurances; zero: also the bills of which nothing is payable.
func nationalBills(seed uint64, zero bool) *bills {
	t := &bills{}
	day := province.New(seed, 20_000).Day(seed)
	for aid, to := range map[int]*[]uint16{0: &t.own, 1_000_000: &t.aid} {
		bills := day.WithCount(4 * billsEach).WithAidPPM(aid)
		for n := 0; len(*to) < billsEach; n++ {
			s := bills.At(n)
			if s.Payable == 0 && !(zero && aid == 0) {
				continue
			}
			medType, _ := strconv.Atoi(s.MedType)
			insutype, _ := strconv.Atoi(s.Insutype)
			t.add(to, ledger.BillInput{Medfee: s.Medfee, Fund: s.FundPay, HospPart: s.HospPart, Preselfpay: s.Preself, Inscp: s.Inscp, Overlmt: s.Overlmt, Fulamt: s.Fulamt},
				uint32(medType), uint32(insutype), s.Payable)
		}
	}
	return t
}

// plainBills are exponential with a mean; of cashPPM in a million nothing is payable.
func plainBills(seed uint64, meanFen float64, cashPPM int) *bills {
	t := &bills{}
	rng := rand.New(rand.NewPCG(seed, 0))
	for n := range billsEach {
		payable := 1 + int64(rng.ExpFloat64()*meanFen)
		in := ledger.BillInput{Fund: payable / 2, Preselfpay: payable / 8, Fulamt: payable / 10}
		in.Inscp = payable - in.Preselfpay + in.Fund
		if n*1_000_000 < cashPPM*billsEach {
			in, payable = ledger.BillInput{Fulamt: payable}, 0
		}
		in.Medfee = in.Inscp + in.Preselfpay + in.Fulamt
		t.add(&t.own, in, medPharmacy, 310, payable)
	}
	t.aid = t.own
	return t
}

// settlement appends a bill for a patient at an institution as message n of a stream.
func (t *bills) settlement(dst []byte, b *bill, patient, institution int, stream, n uint64) []byte {
	start := len(dst)
	dst = append(dst, t.templates[b.at:][:b.length]...)
	out := dst[start:]
	*(*ledger.Key)(out[idAt:]) = messageKey(stream, n)
	*(*ledger.Key)(out[personAt:]) = personKey(patient)
	*(*[codeBytes]byte)(out[codeAt:]) = t.codes[institution]
	*(*ledger.Key)(out[b.other:]) = pseudonym(patient)
	putMessage(out[b.message:], stream, n)
	return dst
}

// putMessage writes message n of a stream: 24 bytes that no other message of the ledger has.
func putMessage(dst []byte, stream, n uint64) {
	binary.BigEndian.PutUint64(dst, stream)
	binary.BigEndian.PutUint64(dst[8:], 0)
	binary.BigEndian.PutUint64(dst[16:], n)
}

// credits are templates of plain credits by the length of the amount.
type credits struct {
	texts  [creditLengths][]byte
	person int
}

// creditLengths: an amount of up to 6 bytes is 4.4 x 10^12 fen.
const creditLengths = 6

func newCredits() (t credits) {
	for n := range t.texts {
		cmd := ledger.Command{Kind: ledger.KindCredit, Person: sentinelPerson, Amount: 1 << (7 * n), Source: 1}
		t.texts[n] = command.Append(nil, &cmd, &command.Details{})
		t.person = int(place(t.texts[n], sentinelPerson[:]))
	}
	return t
}

func (t *credits) append(dst []byte, person int, amount int64) []byte {
	var digits [binary.MaxVarintLen64]byte
	n := binary.PutUvarint(digits[:], uint64(amount))
	start := len(dst)
	dst = append(dst, t.texts[n-1]...)
	key := personKey(person)
	copy(dst[start+t.person:], key[:])
	copy(dst[start+t.person+len(key):], digits[:n])
	return dst
}
