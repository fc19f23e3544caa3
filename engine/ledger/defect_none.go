//go:build !defect_conflict_loose && !defect_refusal_forgotten && !defect_reversal_to_patient && !defect_reversal_unbound && !defect_overtaking_forgotten && !defect_self_last && !defect_draw_biased && !defect_unbind_late && !defect_amount_wraps && !defect_day_end_old

package ledger

const active = 0
