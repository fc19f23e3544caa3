package idindex

// AdviseHuge asks the kernel for huge pages under a large slice that is looked into at random, before it is touched. A hint; small slices are left alone.
func AdviseHuge[T any](s []T) { adviseHuge(s) }
