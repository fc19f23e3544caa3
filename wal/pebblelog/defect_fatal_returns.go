//go:build defect_fatal_returns

package pebblelog

const active = 2
