// Package trail checks a copy of a ledger's log against roots that somebody outside kept, without a line of the product's code (T18, P22).
package trail
