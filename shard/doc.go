// Package shard is one shard: the accounts one goroutine owns, and the local halves of every money rule.
package shard
