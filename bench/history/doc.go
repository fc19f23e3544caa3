// Package history judges what concurrent callers of a ledger were told: whether one order of their calls explains every answer (T7, T8).
package history
