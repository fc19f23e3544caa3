package province

import (
	"strconv"
	"time"
)

// Identity numbers (GB 11643): 6 digits of area, 8 of birth date, 3 of order (odd for men), 1 check character.
// The area is 99 + pooling area 1 to 3 + 3 free digits. DESIGN.md says why nobody has such a number.
//
// Unique by construction: person i has class i mod 500,000, which is the 3 free digits and the order number without
// its parity, and slot i / 500,000 (0 to 255), which fixes the birth day modulo 256 given the class. Two persons of
// one class differ in the slot, so in the birth date.
const (
	identityClasses = freeAreas * orderPairs
	freeAreas       = 1000 // 3 digits
	orderPairs      = 500  // 000 to 999, one of each parity
	dateSlots       = 256  // a birth date moves by less than 256 days to reach its slot
)

// birthDay moves a drawn age up by 0 to 255 days, to a day that the person's slot owns.
func (p *Province) birthDay(i, ageDays int) int {
	class, slot := i%identityClasses, i/identityClasses
	residue := (slot + int(draw(p.seed, streamResidue, uint64(class), 0)%dateSlots)) % dateSlots
	day := RefDay - 1 - ageDays
	return day - ((day-residue)%dateSlots+dateSlots)%dateSlots
}

func (p *Province) certno(i, family, birth int, male bool) string {
	class := i % identityClasses
	buf := make([]byte, 0, 18)
	buf = append(buf, Areas[p.familyArea(family)][:3]...)
	buf = appendPadded(buf, class%freeAreas, 3)
	year, month, day := civil(birth)
	buf = appendPadded(buf, year*10000+month*100+day, 8)
	order := class / freeAreas * 2
	if male {
		order++
	}
	buf = appendPadded(buf, order, 3)
	return string(append(buf, checkCharacter(buf)))
}

// checkCharacter is ISO 7064 MOD 11-2 over 17 digits: weights 2^(17-k) mod 11.
func checkCharacter(digits []byte) byte {
	weights := [17]int{7, 9, 10, 5, 8, 4, 2, 1, 6, 3, 7, 9, 10, 5, 8, 4, 2}
	sum := 0
	for k, w := range weights {
		sum += int(digits[k]-'0') * w
	}
	return "10X98765432"[sum%11]
}

// psnIndexDigits: psn_no is 20 digits, the insured's family area (6) and the index (14).
const psnIndexDigits = 14

// PsnNo is the platform's number of person i: 20 digits.
func (p *Province) PsnNo(i int) string {
	buf := make([]byte, 0, 20)
	buf = append(buf, Areas[p.familyArea(p.FamilyOf(i))]...)
	return string(appendPadded(buf, i, psnIndexDigits))
}

// IndexOf is the person with this psn_no, false when the province has none.
func (p *Province) IndexOf(psnNo string) (int, bool) {
	if len(psnNo) != 20 {
		return 0, false
	}
	i, err := strconv.Atoi(psnNo[6:])
	if err != nil || i < 0 || i >= p.persons || p.PsnNo(i) != psnNo {
		return 0, false
	}
	return i, true
}

// Names are composed of frequent syllables; with an unassigned identity number nobody real is meant.
var (
	surnames = []rune("王李张刘陈杨赵黄周吴徐孙胡朱高林何郭马罗梁宋郑谢韩唐冯于董萧程曹袁邓许傅沈曾彭吕苏卢蒋蔡贾丁魏薛叶阎余潘杜戴夏钟汪田任姜范方石姚谭")
	given    = []rune("安宁平和清明晓春秋云山川江河海林松柏竹梅兰菊荷莲玉珍华英秀慧敏静雅文博学思远志诚信义仁德礼智勇健康福祥瑞吉庆欣悦乐怡然")
)

func (p *Province) name(i int, s seat, family int) string {
	word := draw(p.seed, streamGiven, uint64(i), 0)
	out := make([]rune, 0, 3)
	out = append(out, p.surname(s, family), given[below(word, len(given))])
	if word&3 != 0 { // three names in four have two syllables
		out = append(out, given[below(mix64(word), len(given))])
	}
	return string(out)
}

// surname: the anchor, his brothers and sisters and his father share one; children take their father's.
func (p *Province) surname(s seat, family int) rune {
	slots := blockTemplates[p.variant(family/blockFamilies)][family%blockFamilies].slots
	source := uint64(0)
	switch s.kind {
	case spouse:
		source = 1
	case parent:
		if !p.male(s, family) {
			source = 2
		}
	case child:
		couple := len(slots) > 1 && slots[1].kind == spouse
		if couple && !p.male(seat{slot: aAnchor}, family) {
			source = 1
		}
	}
	return surnames[below(draw(p.seed, streamSurname, uint64(family), source), len(surnames))]
}

func civil(day int) (year, month, dayOfMonth int) {
	y, m, d := time.Unix(int64(day)*86_400, 0).UTC().Date()
	return y, int(m), d
}

func appendDate(dst []byte, day int) []byte {
	y, m, d := civil(day)
	dst = append(appendPadded(dst, y, 4), '-')
	dst = append(appendPadded(dst, m, 2), '-')
	return appendPadded(dst, d, 2)
}

// appendPadded appends n >= 0 in the given number of digits, zeros first.
func appendPadded(dst []byte, n, width int) []byte {
	at := len(dst)
	for range width {
		dst = append(dst, '0')
	}
	for k := at + width - 1; k >= at && n > 0; k-- {
		dst[k] = byte('0' + n%10)
		n /= 10
	}
	return dst
}
