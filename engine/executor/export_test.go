package executor

// MustBalance is P1 of a batch.
var MustBalance = mustBalance
