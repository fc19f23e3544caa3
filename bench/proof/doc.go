// Package proof is what the tests of reliability.md share: how large a run is, and the one line each of them prints.
package proof
