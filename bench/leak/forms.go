package leak

import (
	"encoding/base64"
	"encoding/hex"
	"fmt"
	"strings"
	"unicode/utf16"
)

// Kinds of secrets: what a rule says of them differs.
const (
	Identity = "identity"
	Name     = "name"
	Phone    = "phone"
	Password = "password"
	Token    = "token"
	Key      = "key"
)

// A Secret is a text that is planted and looked for. At least 6 bytes, or it would be found by chance.
type Secret struct {
	Kind, Text string
}

// A Form is a way to write a secret that can stand in a JSON string. Every one is found by Scan.
type Form struct {
	Name  string
	Write func(string) string
}

// Forms are reliability.md T19's: plain, spaced, URL, base64, hex; and what JSON and careless code add.
func Forms() []Form {
	return []Form{
		{"plain", func(s string) string { return s }},
		{"lower", strings.ToLower},
		{"spaced", func(s string) string { return every(s, 4, " ") }},
		{"dashed", func(s string) string { return every(s, 6, "-") }},
		{"url", percent},
		{"base64", func(s string) string { return base64.StdEncoding.EncodeToString([]byte(s)) }},
		{"base64 behind a letter", func(s string) string { return base64.URLEncoding.EncodeToString([]byte("x" + s)) }},
		{"base64 behind two letters", func(s string) string { return base64.RawStdEncoding.EncodeToString([]byte("xy" + s)) }},
		{"hex", func(s string) string { return hex.EncodeToString([]byte(s)) }},
		{"HEX", func(s string) string { return strings.ToUpper(hex.EncodeToString([]byte(s))) }},
		{"escaped", escaped},
	}
}

// every puts a separator behind each n characters.
func every(s string, n int, separator string) string {
	var b strings.Builder
	for i, r := range []rune(s) {
		if i > 0 && i%n == 0 {
			b.WriteString(separator)
		}
		b.WriteRune(r)
	}
	return b.String()
}

func percent(s string) string {
	var b strings.Builder
	for _, c := range []byte(s) {
		fmt.Fprintf(&b, "%%%02X", c)
	}
	return b.String()
}

// escaped writes every character as \uXXXX.
func escaped(s string) string {
	var b strings.Builder
	for _, c := range utf16.Encode([]rune(s)) {
		fmt.Fprintf(&b, `\u%04x`, c)
	}
	return b.String()
}

// WithCheckDigit completes 17 digits to an identity number (GB 11643: ISO 7064 MOD 11-2).
func WithCheckDigit(digits string) string {
	sum := 0
	for _, c := range digits {
		sum = (sum + int(c-'0')) * 2 % 11
	}
	return digits + string("0123456789X"[(12-sum)%11])
}
