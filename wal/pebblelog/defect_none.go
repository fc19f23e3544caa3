//go:build !defect_nosync

package pebblelog

const active = 0
