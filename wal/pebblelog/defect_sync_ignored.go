//go:build defect_sync_ignored

package pebblelog

const active = 3
