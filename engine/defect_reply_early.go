//go:build defect_reply_early

package engine

const active = 1
