package sign

import (
	"fmt"
	"io"
)

// hidden makes a type print as nothing but that: with every verb, and as JSON or text. It is embedded in whatever holds keys.
type hidden struct{}

// Format implements fmt.Formatter, which goes before String and GoString.
func (hidden) Format(f fmt.State, _ rune) { io.WriteString(f, "sign(hidden)") }

// MarshalText implements encoding.TextMarshaler, which JSON and TOML use too.
func (hidden) MarshalText() ([]byte, error) { return []byte("sign(hidden)"), nil }
