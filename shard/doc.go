// Package shard is one shard: the accounts one goroutine owns for a phase of a batch, and the local halves of every money rule.
package shard
