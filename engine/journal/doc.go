// Package journal keeps what happened: the effects of every command, one checksummed and chained block a batch.
//
// DESIGN.md gives the format, its reasons and its costs.
package journal
