package catalogue

import (
	"bytes"
	_ "embed"
	"fmt"
)

// DemoText is a small catalogue file for demonstrations and tests; everything in it is invented.
//
//go:embed demo.tsv
var DemoText []byte

// MustDemo loads DemoText.
func MustDemo() *Catalogue {
	c, err := Load(bytes.NewReader(DemoText))
	if err != nil {
		panic(fmt.Sprintf("BUG: demo catalogue: %v", err))
	}
	return c
}
