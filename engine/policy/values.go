package policy

import (
	"fmt"
	"slices"
	"strconv"
	"strings"

	"github.com/pelletier/go-toml/v2/unstable"
)

// amountPattern is an amount in yuan, below 10^14.
var amountPattern = newPattern(`^(0|[1-9][0-9]{0,13})\.[0-9]{2}$`, "yuan with two decimals")

// set stores an entry's value in a field, or tells why not.
func (r *reader) set(k Knob, f *form, e *entry, into any) bool {
	fault := f.store(&e.value, into)
	switch fault {
	case "":
		return true
	case Duplicate:
		r.fail(e.line, k, fault, "names a value twice")
	case TooLarge:
		r.fail(e.line, k, fault, fmt.Sprintf("has more than %d values", listMax))
	default:
		r.fail(e.line, k, fault, "takes "+f.allows())
	}
	return false
}

// store checks a value and writes it; "": it is good.
func (f *form) store(v *value, into any) Fault {
	switch into := into.(type) {
	case *bool:
		if v.kind != unstable.Bool {
			return WrongType
		}
		*into = v.text == "true"
	case *int64:
		return f.storeNumber(v, into)
	case *string:
		if v.kind != unstable.String && f.kind != aDate || f.kind == aDate && v.kind != unstable.LocalDate {
			return WrongType
		}
		if !f.takes(v.text) {
			return NotAllowed
		}
		*into = strings.Clone(v.text)
	case *[]string:
		return f.storeList(v, into)
	}
	return ""
}

func (f *form) storeNumber(v *value, into *int64) Fault {
	want := unstable.Integer
	if f.kind == anAmount || f.none && v.kind == unstable.String {
		want = unstable.String
	}
	switch {
	case v.kind != want:
		return WrongType
	case f.none && v.kind == unstable.String && v.text == NoText:
		*into = None
		return ""
	case f.kind == anAmount:
		if !amountPattern.re.MatchString(v.text) {
			return NotAllowed
		}
		*into, _ = strconv.ParseInt(strings.Replace(v.text, ".", "", 1), 10, 64) // 16 digits at most
		if *into == 0 {
			return NotAllowed
		}
		return ""
	case v.kind == unstable.String:
		return NotAllowed
	}
	n, err := strconv.ParseInt(strings.ReplaceAll(v.text, "_", ""), 0, 64)
	if err != nil || n < f.min || n > f.max {
		return NotAllowed
	}
	*into = n
	return ""
}

func (f *form) storeList(v *value, into *[]string) Fault {
	if v.kind != unstable.Array {
		return WrongType
	}
	if len(v.list) > listMax {
		return TooLarge
	}
	var out []string
	for i := range v.list {
		e := &v.list[i]
		switch {
		case e.kind != unstable.String:
			return WrongType
		case !f.takes(e.text):
			return NotAllowed
		case slices.Contains(out, e.text):
			return Duplicate
		}
		out = append(out, strings.Clone(e.text))
	}
	if len(out) < f.least {
		return NotAllowed
	}
	if f.kind == aSet { // one order, that of the table
		slices.SortFunc(out, func(a, b string) int { return slices.Index(f.words, a) - slices.Index(f.words, b) })
	} else {
		slices.Sort(out)
	}
	*into = out
	return ""
}

// takes tells whether a text is a value, or one of a list's.
func (f *form) takes(text string) bool {
	switch {
	case f.none && text == NoText:
		return true
	case f.kind == aDate:
		_, ok := StartOf(text)
		return ok
	case f.words != nil:
		return slices.Contains(f.words, text)
	}
	return f.pattern.re.MatchString(text)
}

// allows says in words which values a knob takes.
func (f *form) allows() string {
	s := ""
	switch f.kind {
	case aBool:
		s = "true or false"
	case anInt:
		s = fmt.Sprintf("a whole number from %d to %d", f.min, f.max)
	case aWord:
		s = "one of " + quoted(f.words)
	case aSet:
		s = "a list of " + quoted(f.words)
	case aText:
		s = "a text: " + f.pattern.is
	case aTextList:
		s = "a list of texts: " + f.pattern.is
	case aDate:
		s = fmt.Sprintf("a date, 2026-01-31 without quotes, %d to %d", yearMin, yearMax)
	case anAmount:
		s = `a text of yuan above 0, "1000.00"`
	}
	if f.least > 0 {
		s += ", at least one"
	}
	if f.none {
		s += `, or "none"`
	}
	return s
}

func quoted(words []string) string {
	out := make([]string, len(words))
	for i, w := range words {
		out[i] = strconv.Quote(w)
	}
	return strings.Join(out, ", ")
}

// text is a value as the canonical text has it.
func (f *form) text(from any) string {
	switch v := from.(type) {
	case *bool:
		return strconv.FormatBool(*v)
	case *int64:
		switch {
		case f.none && *v == None:
			return `"none"`
		case f.kind == anAmount:
			return fmt.Sprintf(`"%d.%02d"`, *v/100, *v%100)
		}
		return strconv.FormatInt(*v, 10)
	case *string:
		if f.kind == aDate {
			return *v
		}
		return `"` + *v + `"`
	case *[]string:
		if len(*v) == 0 {
			return "[]"
		}
		return `["` + strings.Join(*v, `", "`) + `"]`
	}
	panic("BUG: a knob of a kind nobody writes")
}
