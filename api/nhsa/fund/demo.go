package fund

import (
	"bytes"
	_ "embed"
	"fmt"
)

// DemoText is a small table of ratios for demonstrations and tests; everything in it is invented.
//
//go:embed demo.tsv
var DemoText []byte

// MustDemo loads DemoText.
func MustDemo() *Ratios {
	r, err := LoadRatios(bytes.NewReader(DemoText))
	if err != nil {
		panic(fmt.Sprintf("BUG: demo ratios: %v", err))
	}
	return r
}
