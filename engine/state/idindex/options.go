package idindex

import (
	"fmt"
	"math/bits"
)

// Options tunes an Index. Nothing in it changes what Find, Fetch and Walk answer: it may differ at every start.
type Options struct {
	// Prefix is the first byte of every key the index owns in the store.
	Prefix byte
	// Capacity is the nominal number of entries of the recent table. There are two tables; see DESIGN.md for the memory.
	Capacity int
	// SealPercent of a part's share of Capacity makes the table due for sealing.
	SealPercent int
	// Parts cuts the recent table by the top bits of the key; a power of two. One goroutine owns a part during a batch.
	Parts int
	// BatchIDsMax is the most ids inserted between two calls of Advance. Every part keeps this much room above the seal mark, since
	// one batch may put all its ids into one part.
	BatchIDsMax int
	// BlockEntries is the number of entries of a block (one value in the store); runs written with another number stay readable.
	BlockEntries int
	// FanIn is the number of runs of one size class that are merged into one.
	FanIn int
	// RunsMax bounds the number of runs: sealing waits for merging beyond it.
	RunsMax int
	// FilterBytesMax bounds the filters in memory, in bytes. Beyond it the largest runs go without (a lookup then reads a block).
	// A negative value means no filters at all; 0 means the default.
	FilterBytesMax int64
}

// Defaults. The figures behind them are in DESIGN.md, "Numbers".
const (
	PrefixDefault         = 'I'
	CapacityDefault       = 1 << 20   // 0.8 M ids a run: about one seal a second at 750,000 ids a second
	SealPercentDefault    = 75        // calculated: groups of eight tags are then 38 % full, a full one is rare
	PartsDefault          = 64        // up to 64 shards, and a part's sort fits the L2 cache
	BatchIDsMaxDefault    = 8192      // the sequencer's batches are some thousands of commands
	BlockEntriesDefault   = 512       // 16 KiB: measured against 128 and 1024, DESIGN.md
	FanInDefault          = 8         // one filter probe a run against one more rewrite an id
	RunsMaxDefault        = 128       // above the (FanIn-1) runs of each of the 10 size classes
	FilterBytesMaxDefault = 256 << 20 // R13's "bounded memory": 178 M ids at the large runs' 12 bits
)

// Hard limits of the format and of the arithmetic.
const (
	partsMax        = 1 << 12
	capacityMax     = 1 << 28
	partCapacityMax = 1 << 16 // positions in a part are 16 bits, which halves the memory that an insert touches at random
	blockEntriesMax = 1 << 14 // 512 KiB: well below the store's value limits
	fanInMax        = 64
	runsMaxMax      = 1 << 12 // keeps a manifest under 400 KiB
	entriesMax      = 1 << 40 // what one index may hold: 35 TB, far above any province
)

// withDefaults fills in zero fields.
func (o Options) withDefaults() Options {
	set := func(field *int, value int) {
		if *field == 0 {
			*field = value
		}
	}
	if o.Prefix == 0 {
		o.Prefix = PrefixDefault
	}
	if o.FilterBytesMax == 0 {
		o.FilterBytesMax = FilterBytesMaxDefault
	}
	set(&o.Capacity, CapacityDefault)
	set(&o.SealPercent, SealPercentDefault)
	set(&o.Parts, PartsDefault)
	set(&o.BatchIDsMax, BatchIDsMaxDefault)
	set(&o.BlockEntries, BlockEntriesDefault)
	set(&o.FanIn, FanInDefault)
	set(&o.RunsMax, RunsMaxDefault)
	return o
}

// validate refuses options that the arithmetic below cannot carry.
func (o *Options) validate() error {
	within := func(name string, value, low, high int) error {
		if value < low || value > high {
			return fmt.Errorf("idindex: option %s is %d, not within %d to %d", name, value, low, high)
		}
		return nil
	}
	checks := []error{
		within("Prefix", int(o.Prefix), 1, 0xfe),
		within("Parts", o.Parts, 1, partsMax),
		within("Capacity", o.Capacity, o.Parts, capacityMax),
		within("SealPercent", o.SealPercent, 1, 100),
		within("BatchIDsMax", o.BatchIDsMax, 1, partCapacityMax),
		within("BlockEntries", o.BlockEntries, 1, blockEntriesMax),
		within("FanIn", o.FanIn, 2, fanInMax),
		within("RunsMax", o.RunsMax, runsNeeded(o.FanIn), runsMaxMax),
	}
	for _, err := range checks {
		if err != nil {
			return err
		}
	}
	if o.Parts&(o.Parts-1) != 0 {
		return fmt.Errorf("idindex: option Parts is %d, not a power of two", o.Parts)
	}
	if n := o.partCapacity(); n > partCapacityMax {
		return fmt.Errorf("idindex: options Capacity, SealPercent, Parts and BatchIDsMax make parts of %d entries, more than %d", n, partCapacityMax)
	}
	return nil
}

// sealMark is the number of entries of one part at which the table is due.
func (o *Options) sealMark() int { return max(1, o.Capacity/o.Parts*o.SealPercent/100) }

// partCapacity is what a part can hold: the mark, and above it a whole batch.
func (o *Options) partCapacity() int { return o.sealMark() + o.BatchIDsMax }

// partBits is the number of key bits that choose the part.
func (o *Options) partBits() int { return bits.TrailingZeros(uint(o.Parts)) }
