//go:build defect_draw_biased

package ledger

const active = 7
