// Package layout checks that the source tree keeps the rules of design.md 9 and style.md which a compiler cannot see.
package layout
