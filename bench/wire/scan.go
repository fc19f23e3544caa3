package wire

// scanner reads JSON in one pass without allocating. It is strict: once something is not as JSON has it, bad stays set and everything reads as empty.
// It checks the form of what it skips, not that a text is UTF-8.
type scanner struct {
	b     []byte
	i     int
	bad   bool
	depth int
}

// depthMax of answers: the national one nests four deep.
const depthMax = 8

func (s *scanner) peek() byte {
	if s.bad || s.i == len(s.b) {
		s.bad = true
		return 0
	}
	return s.b[s.i]
}

func (s *scanner) take(c byte) {
	if s.peek() != c {
		s.bad = true
		return
	}
	s.i++
}

// open begins an object or a list with its bracket.
func (s *scanner) open(bracket byte) {
	s.take(bracket)
	if s.depth++; s.depth > depthMax {
		s.bad = true
	}
}

// more tells whether another element follows and steps over the comma before it; first: none has been read. At the end it steps over the bracket.
func (s *scanner) more(first bool, bracket byte) bool {
	if s.peek() == bracket && !s.bad {
		s.i++
		s.depth--
		return false
	}
	if !first {
		s.take(',')
	}
	return !s.bad
}

// key reads a name and the colon behind it.
func (s *scanner) key() []byte {
	k := s.text()
	s.take(':')
	return k
}

// text is what stands between two quotes, escapes as they are.
func (s *scanner) text() []byte {
	s.take('"')
	from := s.i
	for ; !s.bad && s.i < len(s.b); s.i++ {
		switch c := s.b[s.i]; {
		case c == '"':
			s.i++
			return s.b[from : s.i-1]
		case c == '\\':
			s.i++
		case c < ' ':
			s.bad = true
		}
	}
	s.bad = true
	return nil
}

// digits is a number without sign, point and exponent.
func (s *scanner) digits() (n int64) {
	from := s.i
	for ; !s.bad && s.i < len(s.b) && s.b[s.i]-'0' <= 9; s.i++ {
		n = n*10 + int64(s.b[s.i]-'0')
	}
	if s.i == from || s.i-from > 16 || s.b[from] == '0' && s.i-from > 1 {
		s.bad = true
	}
	return n
}

// amount is yuan with two decimals, as text or as a number, in fen; not negative.
func (s *scanner) amount() int64 {
	quoted := s.peek() == '"'
	if quoted {
		s.take('"')
	}
	fen := s.digits() * 100
	s.take('.')
	for _, weight := range [...]int64{10, 1} {
		c := s.peek() - '0'
		if c > 9 {
			s.bad = true
		}
		fen += int64(c) * weight
		s.i++
	}
	if quoted {
		s.take('"')
	}
	return fen
}

// skip steps over any value.
func (s *scanner) skip() {
	switch c := s.peek(); {
	case c == '"':
		s.text()
	case c == '{':
		s.open('{')
		for first := true; s.more(first, '}'); first = false {
			s.key()
			s.skip()
		}
	case c == '[':
		s.open('[')
		for first := true; s.more(first, ']'); first = false {
			s.skip()
		}
	case c == '-' || c-'0' <= 9:
		for s.i < len(s.b) && isNumber(s.b[s.i]) {
			s.i++
		}
	default:
		s.word()
	}
}

func isNumber(c byte) bool { return c-'0' <= 9 || c == '.' || c == '-' || c == '+' || c|0x20 == 'e' }

// word steps over true, false or null.
func (s *scanner) word() {
	for _, w := range [...]string{"true", "false", "null"} {
		if len(s.b)-s.i >= len(w) && string(s.b[s.i:s.i+len(w)]) == w {
			s.i += len(w)
			return
		}
	}
	s.bad = true
}

// end tells whether everything has been read and was JSON.
func (s *scanner) end() bool { return !s.bad && s.i == len(s.b) }
