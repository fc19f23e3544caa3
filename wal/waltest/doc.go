// Package waltest is the conformance suite that every wal.Log must pass.
package waltest
