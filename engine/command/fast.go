package command

import (
	"encoding/binary"

	"gongji/engine/ledger"
)

// Settlements are nearly all of a log, so they are written and read by hand here. The layout is the one of codec (settlement and details);
// TestFast and FuzzDecode hold both ways of doing it together, bytes and refusals alike.

// fastAppend writes a settlement.
func fastAppend(dst []byte, cmd *ledger.Command, d *Details) []byte {
	if cmd.Institution.Length == 0 || cmd.UsedFlag > 2 || cmd.Interim && cmd.Visit == 0 || cmd.Visit > 1<<63 || d.MedType > typeMax || d.Insutype > typeMax ||
		cmd.CredType > ledger.CredentialCard || cmd.Passwords.Len() > ledger.PasswordsMax || len(d.Message) > MessageMax || len(d.Caller) > CodeMax || len(d.Blob) > BlobMax {
		panic("BUG: a settlement breaks a limit of the format")
	}
	start := len(dst)
	dst = append(dst, 0, 0, byte(ledger.KindSettlement), 0)
	if !cmd.ID.IsZero() {
		dst[start+3] = flagHasID
		dst = append(dst, cmd.ID[:]...)
	}
	dst = append(dst, cmd.Person[:]...)
	dst = append(dst, cmd.Institution.Length)
	dst = append(dst, cmd.Institution.Bytes()...)
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
	dst = append(dst, bits)
	b := &cmd.Bill
	for _, v := range [...]uint64{uint64(d.MedType), uint64(d.Insutype), uint64(b.Medfee), uint64(b.Fund), uint64(b.HospPart),
		uint64(b.Preselfpay), uint64(b.Inscp), uint64(b.Overlmt), uint64(b.Fulamt)} {
		dst = binary.AppendUvarint(dst, v)
	}
	if cmd.HasExpected {
		dst = binary.AppendUvarint(dst, uint64(cmd.ExpectedAcct))
		dst = binary.AppendUvarint(dst, uint64(cmd.ExpectedCash))
	}
	if cmd.Day != 0 {
		dst = binary.AppendUvarint(dst, uint64(uint32(cmd.Day<<1)^uint32(cmd.Day>>31)))
	}
	if cmd.Visit != 0 {
		dst = binary.AppendUvarint(dst, uint64(cmd.Visit))
		dst = binary.LittleEndian.AppendUint64(dst, cmd.Batch)
	}
	dst = append(dst, uint8(cmd.CredType)|uint8(cmd.Passwords.Len())<<secretsAt)
	dst = append(dst, cmd.Other[:]...)
	dst = append(dst, cmd.Passwords...)
	dst = append(dst, byte(len(d.Message)))
	dst = append(dst, d.Message...)
	dst = append(dst, byte(len(d.Caller)))
	dst = append(dst, d.Caller...)
	dst = append(dst, d.Cipher)
	dst = binary.AppendUvarint(dst, uint64(len(d.Blob)))
	return append(dst, d.Blob...)
}

// uvarint reads a number in shortest form at i; the new i is past the end of src if it is none or above most.
func uvarint(src []byte, i int, most uint64) (uint64, int) {
	if i < len(src) && src[i] < 0x80 {
		if v := uint64(src[i]); v <= most {
			return v, i + 1
		}
		return 0, len(src) + 1
	}
	if i > len(src) {
		return 0, i
	}
	v, n := binary.Uvarint(src[i:])
	if n <= 0 || v > most || src[i+n-1] == 0 {
		return 0, len(src) + 1
	}
	return v, i + n
}

// fastDecode reads a settlement of exactly src, whose id ends at i, into cmd.
func fastDecode(src []byte, i int, cmd *ledger.Command) bool {
	const fixed = 16 + 1
	if len(src) < i+fixed {
		return false
	}
	begin := i
	cmd.Person = ledger.Key(src[i : i+16])
	n := int(src[i+16])
	i += fixed
	if n == 0 || n > CodeMax || len(src) < i+n+1 {
		return false
	}
	copy(cmd.Institution.Text[:], src[i:i+n])
	cmd.Institution.Length = uint8(n)
	bits := src[i+n]
	i += n + 1
	cmd.UsedFlag, cmd.Refuse, cmd.HasExpected = bits&billFlagUsed, bits&billFlagRefuse != 0, bits&billFlagExpected != 0
	if !isBillFlags(bits) {
		return false
	}
	_, i = uvarint(src, i, typeMax)
	_, i = uvarint(src, i, typeMax)
	b := &cmd.Bill
	i = fastFen(src, i, &b.Medfee)
	i = fastFen(src, i, &b.Fund)
	i = fastFen(src, i, &b.HospPart)
	i = fastFen(src, i, &b.Preselfpay)
	i = fastFen(src, i, &b.Inscp)
	i = fastFen(src, i, &b.Overlmt)
	i = fastFen(src, i, &b.Fulamt)
	if cmd.HasExpected {
		i = fastFen(src, i, &cmd.ExpectedAcct)
		i = fastFen(src, i, &cmd.ExpectedCash)
	}
	if bits&billFlagVisit != 0 {
		if i = fastDay(src, i, &cmd.Day); cmd.Day == 0 {
			return false
		}
	}
	if bits&billFlagLines != 0 {
		if i = fastLines(src, i, cmd); cmd.Visit == 0 {
			return false
		}
		cmd.Interim = bits&billFlagInterim != 0
	}
	if len(src) < i+17 {
		return false
	}
	content := src[begin:i]
	presents := src[i]
	cmd.Other = ledger.Key(src[i+1 : i+17])
	i += 17
	cmd.CredType = ledger.CredentialType(presents & credTypeBits)
	if presents >= 1<<secretsAt {
		n := int(presents>>secretsAt) * ledger.PasswordBytes
		if n > ledger.PasswordsMax*ledger.PasswordBytes || len(src) < i+n {
			return false
		}
		cmd.Passwords = src[i : i+n : i+n]
		i += n
	}
	i = skipText(src, i, MessageMax)
	i = skipText(src, i, CodeMax)
	i = skipText(src, i+1, BlobMax)
	if i != len(src) {
		return false
	}
	if !cmd.ID.IsZero() {
		cmd.Digest = contentDigest(ledger.KindSettlement, content)
	}
	return true
}

func fastFen(src []byte, i int, v *int64) int {
	x, next := uvarint(src, i, 1<<64-1)
	*v = int64(x)
	return next
}

func fastDay(src []byte, i int, v *int32) int {
	x, next := uvarint(src, i, 1<<32-1)
	*v = int32(uint32(x)>>1) ^ -int32(x&1)
	return next
}

// fastLines reads the visit and batch key of a settlement with lines.
func fastLines(src []byte, i int, cmd *ledger.Command) int {
	visit, i := uvarint(src, i, 1<<63)
	cmd.Visit = ledger.Position(visit)
	if len(src) < i+8 {
		return len(src) + 1
	}
	cmd.Batch = binary.LittleEndian.Uint64(src[i:])
	return i + 8
}

func skipText(src []byte, i, most int) int {
	n, next := uvarint(src, i, uint64(most))
	return next + int(n)
}
