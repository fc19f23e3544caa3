// Package reconcile proves that figures agree: what is held with the journal folded back into balances, an institution's lines with ours.
package reconcile
