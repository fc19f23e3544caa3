//go:build race

package pebblelog

const slowed = 8 // the race detector makes the long sweeps that much slower
