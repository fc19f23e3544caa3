//go:build !linux

package idindex

// adviseHuge does nothing where the advice does not exist.
func adviseHuge[T any](s []T) []T { return s }
