//go:build !race

package pebblelog

const slowed = 1
