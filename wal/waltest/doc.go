// Package waltest is the conformance suite that every wal.Log must pass, and the file system that crash tests wrap around a crashable one.
package waltest
