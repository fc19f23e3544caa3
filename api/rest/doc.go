// Package rest mounts the /v1 JSON calls of the ledger on the front door.
//
// Every call that changes something is one command (or one request of many) given to the engine; every call that asks is a question
// behind all commands admitted before it, or a read of what was executed and no longer changes. See DESIGN.md.
package rest
