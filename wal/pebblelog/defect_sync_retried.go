//go:build defect_sync_retried

package pebblelog

const active = 4
