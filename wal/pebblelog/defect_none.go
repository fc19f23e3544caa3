//go:build !defect_nosync && !defect_fatal_returns && !defect_sync_ignored && !defect_sync_retried && !defect_mark_ignored

package pebblelog

const active = 0
