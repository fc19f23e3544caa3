package leak

import (
	"bytes"
	"encoding/base64"
	"encoding/binary"
	"encoding/hex"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"unicode/utf16"
)

// A Hit is a secret that was found. It names the secret by number and kind, not by its text, so that it may be printed anywhere.
type Hit struct {
	Where  string
	Secret int // its place in New's list
	Kind   string
	Form   string
	Offset int // in bytes
}

func (h Hit) String() string {
	return fmt.Sprintf("%s: %s %d, %s, at %d", h.Where, h.Kind, h.Secret, h.Form, h.Offset)
}

// pattern is what a form looks like.
type pattern struct {
	secret   int
	form     string
	text     []byte
	squeezed bool // looked for in the text without separators
}

// A Scanner looks for secrets. Any goroutine.
type Scanner struct {
	secrets  []Secret
	patterns []pattern
}

// New makes a scanner. It panics on a secret of fewer than 6 bytes.
func New(secrets ...Secret) *Scanner {
	s := &Scanner{secrets: secrets}
	for i, x := range secrets {
		if len(x.Text) < 6 {
			panic("leak: a secret of " + strconv.Itoa(len(x.Text)) + " bytes is found everywhere")
		}
		s.add(i, x.Text)
		if lower := strings.ToLower(x.Text); lower != x.Text {
			s.add(i, lower)
		}
		if x.Kind == Identity {
			s.numbers(i, x.Text)
		}
	}
	return s
}

func (s *Scanner) add(i int, text string) {
	put := func(form string, b []byte) { s.patterns = append(s.patterns, pattern{secret: i, form: form, text: b}) }
	s.patterns = append(s.patterns, pattern{i, "plain or with separators", squeeze([]byte(text)), true})
	put("url", []byte(percent(text)))
	put("url in small letters", []byte(strings.ToLower(percent(text))))
	put("hex", []byte(hex.EncodeToString([]byte(text))))
	put("HEX", []byte(strings.ToUpper(hex.EncodeToString([]byte(text)))))
	put("escaped", []byte(escaped(text)))
	put("ESCAPED", []byte(strings.ReplaceAll(strings.ToUpper(escaped(text)), `\U`, `\u`)))
	var little, big []byte
	for _, c := range utf16.Encode([]rune(text)) {
		little, big = binary.LittleEndian.AppendUint16(little, c), binary.BigEndian.AppendUint16(big, c)
	}
	put("UTF-16 LE", little)
	put("UTF-16 BE", big)
	for shift := range 3 {
		for _, e := range []*base64.Encoding{base64.RawStdEncoding, base64.RawURLEncoding} {
			put("base64", inBase64(e, text, shift))
		}
	}
}

// inBase64 is what base64 of any text shows where the secret stands shift bytes behind a multiple of three: without the characters that share bits with its neighbours.
func inBase64(e *base64.Encoding, text string, shift int) []byte {
	whole := e.EncodeToString([]byte(strings.Repeat("x", shift) + text))
	first := (shift*8 + 5) / 6
	last := (shift + len(text)) * 8 / 6
	return []byte(whole[first:last])
}

// numbers are an identity number as binary ones: its 17 digits, and all 18 if the check digit is one.
func (s *Scanner) numbers(i int, text string) {
	for _, digits := range []string{text, text[:len(text)-1]} {
		if n, err := strconv.ParseUint(digits, 10, 64); err == nil {
			s.patterns = append(s.patterns, pattern{secret: i, form: "binary LE", text: binary.LittleEndian.AppendUint64(nil, n)},
				pattern{secret: i, form: "binary BE", text: binary.BigEndian.AppendUint64(nil, n)}, pattern{secret: i, form: "varint", text: binary.AppendUvarint(nil, n)})
		}
	}
}

// squeeze leaves out separators, as a number is grouped by.
func squeeze(text []byte) []byte {
	out := make([]byte, 0, len(text))
	for _, c := range text {
		if c != ' ' && c != '-' && c != '\t' && c != ',' && c != '.' && c != '_' && c != '+' {
			out = append(out, c)
		}
	}
	return out
}

// Scan looks through a text; where names it in the hits. It tells each pattern's first place, which for one with separators counts without them.
func (s *Scanner) Scan(where string, text []byte) (hits []Hit) {
	squeezed := squeeze(text)
	for _, p := range s.patterns {
		in := text
		if p.squeezed {
			in = squeezed
		}
		if at := bytes.Index(in, p.text); at >= 0 {
			hits = append(hits, Hit{where, p.secret, s.secrets[p.secret].Kind, p.form, at})
		}
	}
	return hits
}

// ScanDir looks through all files below a directory, and their names; it tells how many there were and their size in bytes.
func (s *Scanner) ScanDir(dir string) (hits []Hit, files int, size int64, err error) {
	err = filepath.WalkDir(dir, func(path string, d fs.DirEntry, err error) error {
		if err != nil {
			return err
		}
		name, err := filepath.Rel(dir, path)
		if err != nil {
			return err
		}
		hits = append(hits, s.Scan("name of a file", []byte(name))...)
		if !d.Type().IsRegular() {
			return nil
		}
		text, err := os.ReadFile(path)
		if err != nil {
			return err
		}
		files, size = files+1, size+int64(len(text))
		hits = append(hits, s.Scan(filepath.ToSlash(name), text)...)
		return nil
	})
	return hits, files, size, err
}
