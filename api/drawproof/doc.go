// Package drawproof checks the proof of a random draw from the answer that tells it, without asking the ledger.
//
// It is written from engine/ledger/DESIGN.md 5 with the library's HMAC and shares no code with the rules, so that it proves the draw and
// does not merely repeat it. DESIGN.md says what a proof proves and what it cannot.
package drawproof
