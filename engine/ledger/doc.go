// Package ledger holds the rules: it applies one command to plain state and says what came of it.
package ledger
