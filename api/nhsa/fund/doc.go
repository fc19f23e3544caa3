// Package fund computes what the pooled fund pays of a bill, before the bill's command is logged.
package fund
