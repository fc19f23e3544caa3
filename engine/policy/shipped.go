package policy

import (
	"embed"
	"fmt"
)

// Names are the shipped profiles.
var Names = []string{"hubei", "hubei-narrow", "ordered", "gansu"}

//go:embed profiles/*.toml
var files embed.FS

// Schema is the JSON Schema (2020-12) of the format, for editors: TOML read as JSON, dates as texts. It knows single knobs; which of them
// cannot stand together only Parse knows.
//
//go:embed schema.json
var Schema []byte

// ShippedText is the file of a shipped profile; nil if there is none of this name.
func ShippedText(name string) []byte {
	text, err := files.ReadFile("profiles/" + name + ".toml")
	if err != nil {
		return nil
	}
	return text
}

// MustShipped is a shipped profile. It panics for another name: the caller has it from Names.
func MustShipped(name string) *Profile {
	p, err := Parse(name+".toml", ShippedText(name))
	if err != nil {
		panic(fmt.Sprintf("BUG: shipped profile %s: %v", name, err))
	}
	return p
}
