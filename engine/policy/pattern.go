package policy

import (
	"regexp"

	"gongji/engine/ledger"
)

// pattern is a set of texts, written so that the schema can say the same.
type pattern struct {
	text string // a regular expression of both Go and JSON Schema
	is   string // for people
	re   *regexp.Regexp
}

func newPattern(text, is string) *pattern { return &pattern{text, is, regexp.MustCompile(text)} }

var (
	// At most ledger.NameMax characters.
	namePattern = newPattern(`^[a-z][a-z0-9-]{0,23}$`, "1 to 24 of a-z, 0-9 and -, a letter first")
	// At most textMax characters. No quote and no backslash: the canonical text needs no escapes.
	titlePattern    = newPattern(`^[^"\\\x00-\x1f\x7f]{1,60}$`, "1 to 60 characters without quotes, backslashes and controls")
	monthDayPattern = newPattern(`^(0[13578]|1[02])-(0[1-9]|[12][0-9]|3[01])$|^(0[469]|11)-(0[1-9]|[12][0-9]|30)$|^02-(0[1-9]|1[0-9]|2[0-9])$`, "a day of the year, MM-DD")
	versionPattern  = newPattern(`^[0-9A-Za-z][0-9A-Za-z._-]{0,19}$`, "1 to 20 of letters, digits and . _ -")
	// GB/T 2260: 11 Beijing to 82 Macao; 00 is no province.
	provincePattern = newPattern(`^(00|1[1-9]|[2-7][0-9]|8[0-2])$`, "two digits, 11 to 82, or 00")
	codePattern     = newPattern(`^[0-9]{1,6}$`, "1 to 6 digits")
)

const _ = uint(24 - ledger.NameMax) // the 23 of namePattern
const _ = uint(60 - textMax)        // the 60 of titlePattern
