package main

import (
	"os"
	"runtime"
	"runtime/metrics"
	"runtime/pprof"
)

// profile starts a CPU profile; the function it returns ends it.
func profile(path string) (stop func(), err error) {
	if path == "" {
		return func() {}, nil
	}
	f, err := os.Create(path)
	if err != nil {
		return nil, err
	}
	if err := pprof.StartCPUProfile(f); err != nil {
		return nil, err
	}
	return func() { pprof.StopCPUProfile(); f.Close() }, nil
}

// memory is what the process holds after a collection: live heap, and what lies outside it (Pebble's caches and tables are mapped).
func memory() int64 {
	runtime.GC()
	runtime.GC()
	s := []metrics.Sample{{Name: "/memory/classes/heap/objects:bytes"}}
	metrics.Read(s)
	return int64(s[0].Value.Uint64())
}
