// Package model is the naive second implementation of the ledger's rules, against which every executor is compared.
//
// It is written from engine/ledger/DESIGN.md alone, imports the standard library only, keeps everything in Go maps and
// slices and never forgets a command. Sections named in comments (s.4 and so on) are sections of that page; Q1, Q2 ...
// are the readings listed in this package's DESIGN.md, where the page leaves room. A Model and a Generator belong to one
// goroutine each.
package model
