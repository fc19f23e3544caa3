//go:build defect_number_told

package rest

const active = 1
