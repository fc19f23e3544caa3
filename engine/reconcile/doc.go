// Package reconcile proves the books: it folds the journal back into balances and compares them with what is held.
package reconcile
