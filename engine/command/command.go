package command

import (
	"errors"
	"fmt"

	"github.com/cespare/xxhash/v2"

	"gongji/engine/ledger"
)

// Limits of the format.
const (
	CodeMax         = 30       // fixmedins_code, C30
	MessageMax      = 30       // msgid, C30
	PsnNoMax        = 30       // psn_no, C30
	NameMax         = 600      // bytes of 200 characters
	BlobMax         = 2048     // sealed personal fields of one command
	TextsMax        = 48 << 10 // sealed texts of a visit, its diagnoses or 100 fee lines; the national input is typed text of 40,000 characters
	RunIDMax        = 30
	TaxOrderMax     = 50 // tax order number of a premium; no document gives a length, the longest tax document numbers seen have 20
	yearMax         = 9999
	ProfileMax      = 12 << 10
	BytesMax        = 1<<16 - 1 // one command, what its length can say; a Policy with a full text takes 12,600, 100 fee lines with full texts 57,000
	headBytes       = 4         // length 2, kind 1, flags 1
	flagHasID       = 1
	typeMax         = 999_999 // national type codes have at most 6 digits
	statusMax       = 9
	enrolmentsLimit = ledger.EnrolmentsMax
)

// ErrFormat says that bytes are not a command or batch of this format.
var ErrFormat = errors.New("not a command of this format")

// Details are fields the ledger does not look at: for answers, lists and auditors. Read, its slices point into the source bytes.
type Details struct {
	Message      []byte // msgid as sent
	Caller       []byte // who sent it
	Text         []byte // psn_no of a person, name of an institution, run_id of a run, tax order number of a premium, canonical text of a policy's profile
	MedType      uint32
	Insutype     uint32
	CertType     uint32
	Sex          uint8
	BusinessDate int32
	Level        uint8 // hosp_lv
	Cipher       uint8 // of Blob: 0 plain
	Blob         []byte
}

// Append encodes a command. The caller has checked the limits; breaking one is a bug and panics, here and not behind the log: what Append
// writes, Decode takes.
func Append(dst []byte, cmd *ledger.Command, d *Details) []byte {
	start := len(dst)
	if cmd.Kind == ledger.KindSettlement {
		return finish(fastAppend(dst, cmd, d), start)
	}
	return finish(slowAppend(dst, cmd, d), start)
}

// slowAppend writes any command, by the layout.
func slowAppend(dst []byte, cmd *ledger.Command, d *Details) []byte {
	start := len(dst)
	c := codec{buf: append(dst, 0, 0, byte(cmd.Kind), 0), writing: true}
	if !cmd.ID.IsZero() {
		c.buf[start+3] |= flagHasID
		c.key(&cmd.ID)
	}
	content(&c, cmd, d)
	details(&c, cmd, d)
	if c.bad {
		panic(fmt.Sprintf("BUG: command kind %d breaks a limit of the format", cmd.Kind))
	}
	return c.buf
}

// finish fills in the length.
func finish(dst []byte, start int) []byte {
	n := len(dst) - start
	if n > BytesMax {
		panic(fmt.Sprintf("BUG: command kind %d encodes to %d bytes", dst[start+2], n))
	}
	dst[start], dst[start+1] = byte(n), byte(n>>8)
	return dst
}

// Decode reads the first command of src into cmd (and d, if not nil) and returns how many bytes it took. cmd.More is reused if present.
// Nothing of src is kept in cmd but what More, Passwords and d point to.
func Decode(src []byte, cmd *ledger.Command, d *Details) (int, error) {
	if len(src) < headBytes {
		return 0, fmt.Errorf("%w: %d bytes left", ErrFormat, len(src))
	}
	n := int(src[0]) | int(src[1])<<8
	kind, flags := ledger.Kind(src[2]), src[3]
	if n < headBytes || n > BytesMax || n > len(src) || !kind.IsKnown() || flags > flagHasID {
		return 0, fmt.Errorf("%w: kind %d flags %d length %d of %d", ErrFormat, kind, flags, n, len(src))
	}
	c := codec{buf: src[headBytes:n]}
	more := cmd.More
	*cmd = ledger.Command{Kind: kind}
	if !kind.IsMoney() {
		if more == nil {
			more = &ledger.More{}
		}
		*more = ledger.More{Enrolments: more.Enrolments[:0], Bindings: more.Bindings[:0], Lines: more.Lines[:0], Serials: more.Serials[:0]}
		cmd.More = more
	}
	if flags&flagHasID != 0 {
		c.key(&cmd.ID)
		c.bad = c.bad || cmd.ID.IsZero()
	}
	if d == nil && kind == ledger.KindSettlement {
		if !fastDecode(src[:n], n-len(c.buf), cmd) || c.bad {
			return 0, fmt.Errorf("%w: kind %d with %d bytes", ErrFormat, kind, n)
		}
		return n, nil
	}
	return n, slowDecode(&c, flags, cmd, d)
}

// slowDecode reads what follows the id of any command, by the layout.
func slowDecode(c *codec, flags byte, cmd *ledger.Command, d *Details) error {
	var local Details
	if d == nil {
		d = &local
	}
	*d = Details{}
	before := c.buf
	content(c, cmd, d)
	if flags&flagHasID != 0 && !c.bad {
		cmd.Digest = contentDigest(cmd.Kind, before[:len(before)-len(c.buf)])
	}
	details(c, cmd, d)
	if c.bad || len(c.buf) != 0 {
		return fmt.Errorf("%w: kind %d, %d bytes left", ErrFormat, cmd.Kind, len(c.buf))
	}
	return nil
}

// contentDigest covers what makes two messages the same (R10): kind and content, never operator, token, signature or sending time.
func contentDigest(kind ledger.Kind, content []byte) uint64 {
	return xxhash.Sum64(content) ^ uint64(kind)*0x9E3779B97F4A7C15
}

// content is the business content by kind, in the order of DESIGN.md.
func content(c *codec, cmd *ledger.Command, d *Details) {
	switch cmd.Kind {
	case ledger.KindSettlement:
		settlement(c, cmd, d)
	case ledger.KindCredit:
		c.key(&cmd.Person)
		c.fen(&cmd.Amount)
		c.u8(&cmd.Source)
		number(c, &cmd.Period, 1<<32-1)
		c.key(&cmd.Other)
	case ledger.KindReversalByID:
		c.code(&cmd.Institution)
		c.key(&cmd.Person)
		number(c, &cmd.Settlement, 1<<63)
	case ledger.KindReversalByMessage:
		c.code(&cmd.Institution)
		c.key(&cmd.Person)
		c.key(&cmd.Other)
		c.u8((*uint8)(&cmd.Original))
		c.bad = c.bad || cmd.Original < ledger.OriginalSettlement || cmd.Original > ledger.OriginalLast || cmd.Other.IsZero()
	case ledger.KindAllocation:
		c.key(&cmd.Person)
		c.fen(&cmd.Amount)
		c.u8(&cmd.Channel)
	case ledger.KindPremium:
		premium(c, cmd, d)
	case ledger.KindPremiumRefund:
		c.key(&cmd.Person)
		number(c, &cmd.Settlement, 1<<63)
	case ledger.KindAccountDebit:
		c.key(&cmd.Person)
		c.fen(&cmd.Amount)
		c.u8(&cmd.Source)
		c.day(&d.BusinessDate)
		c.bad = c.bad || cmd.Source < ledger.DebitCorrection || cmd.Source > ledger.ReasonsMax
	default:
		structural(c, cmd, d)
	}
}

func premium(c *codec, cmd *ledger.Command, d *Details) {
	c.key(&cmd.Person)
	c.key(&cmd.Other)
	c.u8(&cmd.Source)
	number(c, &cmd.Period, yearMax)
	c.fen(&cmd.Amount)
	c.text(&d.Text, TaxOrderMax)
	c.bad = c.bad || cmd.Source < 1 || cmd.Source > ledger.PremiumsMax || cmd.Period == 0
}

const (
	billFlagUsed     = 3 // bits 0-1: acct_used_flag
	billFlagRefuse   = 4
	billFlagExpected = 8
	billFlagVisit    = 16
	billFlagLines    = 32 // it settles lines of a visit that the ledger holds
	billFlagInterim  = 64 // mid_setl_flag 1; only with lines
	billFlags        = 127

	// The byte before the credential's key: type, and the number of passwords above it.
	credTypeBits = 3
	secretsAt    = 2
)

func settlement(c *codec, cmd *ledger.Command, d *Details) {
	c.key(&cmd.Person)
	c.code(&cmd.Institution)
	bits := cmd.UsedFlag
	if cmd.Refuse {
		bits |= billFlagRefuse
	}
	if cmd.HasExpected {
		bits |= billFlagExpected
	}
	if cmd.Day != 0 {
		bits |= billFlagVisit
	}
	bits |= linesBits(cmd)
	c.u8(&bits)
	cmd.UsedFlag, cmd.Refuse, cmd.HasExpected = bits&billFlagUsed, bits&billFlagRefuse != 0, bits&billFlagExpected != 0
	cmd.Interim = bits&billFlagInterim != 0
	c.bad = c.bad || !isBillFlags(bits)
	number(c, &d.MedType, typeMax)
	number(c, &d.Insutype, typeMax)
	b := &cmd.Bill
	c.fen(&b.Medfee)
	c.fen(&b.Fund)
	c.fen(&b.HospPart)
	c.fen(&b.Preselfpay)
	c.fen(&b.Inscp)
	c.fen(&b.Overlmt)
	c.fen(&b.Fulamt)
	if cmd.HasExpected {
		c.fen(&cmd.ExpectedAcct)
		c.fen(&cmd.ExpectedCash)
	}
	if bits&billFlagVisit != 0 {
		c.day(&cmd.Day)
		c.bad = c.bad || cmd.Day == 0
	}
	if bits&billFlagLines != 0 {
		number(c, &cmd.Visit, 1<<63)
		c.u64(&cmd.Batch)
		c.bad = c.bad || cmd.Visit == 0
	}
}

func linesBits(cmd *ledger.Command) (bits uint8) {
	if cmd.Visit != 0 {
		bits = billFlagLines
	}
	if cmd.Interim {
		bits |= billFlagInterim
	}
	return bits
}

// isBillFlags: a used flag of 0 to 2, and no interim settlement of no lines.
func isBillFlags(bits uint8) bool {
	return bits <= billFlags && bits&billFlagUsed <= 2 && bits&(billFlagLines|billFlagInterim) != billFlagInterim
}

// presented is what a settlement shows and types in: tokens, which may differ in a repeat (R10).
func presented(c *codec, cmd *ledger.Command) {
	bits := uint8(cmd.CredType) | uint8(cmd.Passwords.Len())<<secretsAt
	c.bad = c.bad || cmd.CredType > ledger.CredentialCard || cmd.Passwords.Len() > ledger.PasswordsMax
	c.u8(&bits)
	n := int(bits >> secretsAt)
	cmd.CredType = ledger.CredentialType(bits & credTypeBits)
	c.bad = c.bad || n > ledger.PasswordsMax
	c.key(&cmd.Other)
	if c.writing {
		c.buf = append(c.buf, cmd.Passwords...)
	} else if cmd.Passwords = nil; n > 0 && !c.bad {
		cmd.Passwords = c.take(n * ledger.PasswordBytes)
	}
}

// details follow the content: they do not make a message another one. The credential is a token and may differ in a repeat (R10).
func details(c *codec, cmd *ledger.Command, d *Details) {
	switch cmd.Kind {
	case ledger.KindGenesis, ledger.KindPolicy, ledger.KindDayKey, ledger.KindDayKeyPublish, ledger.KindTick, ledger.KindClockConfirm:
		return
	case ledger.KindSettlement:
		presented(c, cmd)
	case ledger.KindVisitOpen: // without passwords
		c.u8((*uint8)(&cmd.CredType))
		c.key(&cmd.Other)
		c.bad = c.bad || cmd.CredType > ledger.CredentialCard
	case ledger.KindCredit:
		c.day(&d.BusinessDate)
	case ledger.KindAccountDebit: // operators are not content (R10)
		c.key(&cmd.Other)
		c.key(&cmd.Second)
		c.bad = c.bad || cmd.Other.IsZero() || cmd.Second.IsZero()
	}
	c.text(&d.Message, MessageMax)
	c.text(&d.Caller, CodeMax)
	c.u8(&d.Cipher)
	c.text(&d.Blob, blobMax(cmd.Kind))
}

// blobMax is how many bytes the sealed fields of a command may have.
func blobMax(k ledger.Kind) int {
	switch k {
	case ledger.KindVisitOpen, ledger.KindVisitChange, ledger.KindLinesAdd, ledger.KindDischarge:
		return TextsMax
	}
	return BlobMax
}

// Peek reads kind and message id of the first command of src without decoding it; the id is zero if it has none. Like Offsets it trusts
// lengths that have been checked.
func Peek(src []byte) (ledger.Kind, ledger.Key) {
	var id ledger.Key
	if src[3]&flagHasID != 0 && len(src) >= headBytes+len(id) {
		id = ledger.Key(src[headBytes : headBytes+len(id)])
	}
	return ledger.Kind(src[2]), id
}
