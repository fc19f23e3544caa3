//go:build defect_mark_ignored

package pebblelog

const active = 5
