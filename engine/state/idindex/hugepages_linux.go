package idindex

import (
	"syscall"
	"unsafe"
)

// hugePageBytes is the size of a huge page on the machines we run on.
const hugePageBytes = 2 << 20

// adviseHuge asks the kernel for huge pages under a large slice: it is looked into at random, and with 4 KiB pages every look misses the
// TLB besides the cache (measured: DESIGN.md). A hint: where the kernel refuses, nothing but speed is lost.
func adviseHuge[T any](s []T) []T {
	var element T
	size := uintptr(cap(s)) * unsafe.Sizeof(element)
	if size < 2*hugePageBytes {
		return s
	}
	base := unsafe.Pointer(unsafe.SliceData(s))
	skip := -uintptr(base) & (hugePageBytes - 1)
	length := (size - skip) &^ (hugePageBytes - 1)
	const madvHugepage = 14 // MADV_HUGEPAGE of madvise(2)
	_ = syscall.Madvise(unsafe.Slice((*byte)(unsafe.Add(base, skip)), length), madvHugepage)
	return s
}
