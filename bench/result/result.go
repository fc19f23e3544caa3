package result

import (
	"slices"
	"time"
)

// Format of the JSON. A reader refuses any other.
const Format = 1

// Report is a whole run of the harness: what `gongji bench` writes and `gongji bench compare` reads.
type Report struct {
	Format  int       `json:"format"`
	Made    time.Time `json:"made"`
	Command string    `json:"command"` // as typed, without paths
	Facts   Facts     `json:"facts"`
	Cases   []Case    `json:"cases"`
	Aims    []Aim     `json:"aims,omitempty"`
	Notes   []string  `json:"notes,omitempty"` // what could not be run and why
}

// Facts of machine and build.
type Facts struct {
	Version    string            `json:"version"` // of the source
	Go         string            `json:"go"`
	Modules    map[string]string `json:"modules"` // of the libraries on the path
	OS         string            `json:"os"`
	Kernel     string            `json:"kernel"`
	CPU        string            `json:"cpu"`
	Cores      int               `json:"cores"`
	MemoryByte int64             `json:"memory_bytes"`
	Filesystem string            `json:"filesystem"` // of the ledger's directory
	SyncMicros float64           `json:"sync_us"`    // median of one fdatasync of a 4 KiB append there
	LoadBefore float64           `json:"load_before"`
}

// Kinds of cases.
const (
	InProcess = "in process"
	HTTP      = "http"
	NHSA      = "national interface"
	Ceiling   = "ceiling"
	Peer      = "peer"
)

// Case is one thing measured, several times.
type Case struct {
	ID       string `json:"id"`   // unique in a report: "core/national", "http/settlements/256", "ceiling/log", "peer/postgresql/one"
	Name     string `json:"name"` // for people
	Kind     string `json:"kind"`
	Workload string `json:"workload,omitempty"`
	Unit     string `json:"unit"` // of Rate: "settlements/s", "calls/s", "requests/s", "records/s"
	Load     Load   `json:"load"`
	Ceilings []Of   `json:"ceilings,omitempty"` // cases of the same report that bound this one
	Runs     []Run  `json:"runs"`
	Profile  string `json:"profile,omitempty"` // where the CPU went, as text: "execute 40 %, ..."
	Note     string `json:"note,omitempty"`
}

// Of names a case that this one is a share of.
type Of struct {
	ID   string `json:"id"`
	What string `json:"what"` // "of the echo", "of the bare log"
}

// Load is how a case was driven.
type Load struct {
	Loop        string  `json:"loop"`           // "closed" or "open"
	Rate        float64 `json:"rate,omitempty"` // open loop: arrivals a second
	Persons     int     `json:"persons,omitempty"`
	Workers     int     `json:"workers,omitempty"`     // goroutines that submit and wait
	Group       int     `json:"group,omitempty"`       // settlements a request
	Connections int     `json:"connections,omitempty"` // of all processes together
	Pipeline    int     `json:"pipeline,omitempty"`
	Processes   int     `json:"processes,omitempty"` // of the load generator
	Shards      int     `json:"shards,omitempty"`
	Seed        uint64  `json:"seed"`
}

// Run is one measurement of a case. What was not measured is zero and absent.
type Run struct {
	Seconds  float64  `json:"seconds"`
	Count    uint64   `json:"count"` // of Unit, answered inside Seconds
	Rate     float64  `json:"rate"`
	CPU      float64  `json:"cpu_s,omitempty"` // of the process measured, load generator included if it is the same one
	Latency  *Latency `json:"latency,omitempty"`
	Stages   []Stage  `json:"stages,omitempty"`
	Series   []Point  `json:"series,omitempty"`
	Batches  *Batches `json:"batches,omitempty"`
	Mix      *Mix     `json:"mix,omitempty"`
	Memory   *Memory  `json:"memory,omitempty"`
	Disk     *Disk    `json:"disk,omitempty"`
	Breaches []string `json:"breaches,omitempty"` // bands left, books off, wrong answers: a run with any is not a result
}

// Latency is an HDR histogram in microseconds and its usual points. Open loops count from the intended start.
type Latency struct {
	Count uint64  `json:"count"`
	Mean  float64 `json:"mean_us"`
	P50   float64 `json:"p50_us"`
	P90   float64 `json:"p90_us"`
	P99   float64 `json:"p99_us"`
	P999  float64 `json:"p999_us"`
	P9999 float64 `json:"p9999_us"`
	Max   float64 `json:"max_us"`
	HDR   []byte  `json:"hdr,omitempty"` // compressed V2 encoding, nanoseconds
}

// Stage is the time a command spends in one part of the engine: "queue", "log", "execute", "reply".
type Stage struct {
	Name    string  `json:"name"`
	Latency Latency `json:"latency"`
}

// Point is one moment of a run; rates are over the interval before it.
type Point struct {
	At        float64 `json:"at_s"`
	Rate      float64 `json:"rate"`
	P99       float64 `json:"p99_us,omitempty"` // of the interval
	Batch     float64 `json:"batch,omitempty"`  // commands a batch
	Contested float64 `json:"contested,omitempty"`
	CPU       float64 `json:"cpu,omitempty"` // cores used
	Memory    int64   `json:"memory_bytes,omitempty"`
	Disk      int64   `json:"disk_bytes,omitempty"`
}

// Batches of a run.
type Batches struct {
	Count    uint64   `json:"count"`
	Commands float64  `json:"commands"`        // mean of a batch
	Sizes    []uint64 `json:"sizes,omitempty"` // Sizes[i]: batches of [2^i, 2^(i+1)) commands
}

// Mix is what the ledger did; shares are of accepted settlements, Contested and Serial of commands.
type Mix struct {
	Postings  float64            `json:"postings"` // a settlement
	Relatives float64            `json:"relatives"`
	AllCash   float64            `json:"all_cash"`
	Contested float64            `json:"contested"`
	Serial    float64            `json:"serial"`
	Drift     float64            `json:"drift"` // of the money in personal and family accounts, over the run
	Refused   map[string]uint64  `json:"refused,omitempty"`
	Calls     map[string]uint64  `json:"calls,omitempty"` // by kind of call
	Extra     map[string]float64 `json:"extra,omitempty"`
}

// Memory in bytes; GC pauses in microseconds.
type Memory struct {
	Process   int64   `json:"process_bytes"`
	PerPerson float64 `json:"bytes_a_person,omitempty"`
	GCCount   uint32  `json:"gc_count"`
	GCPause99 float64 `json:"gc_pause_p99_us"`
	GCPauseMX float64 `json:"gc_pause_max_us"`
	GCCPU     float64 `json:"gc_cpu_share"`
}

// Disk in bytes.
type Disk struct {
	Ledger        int64   `json:"ledger_bytes"`
	PerSettlement float64 `json:"bytes_a_settlement,omitempty"`
	Device        int64   `json:"device_bytes,omitempty"`  // written to the block device or by the process (as told by /proc/self/io)
	Commands      int64   `json:"command_bytes,omitempty"` // encoded, of the same time
}

// Aim is a figure to reach and what it came to.
type Aim struct {
	What   string  `json:"what"`
	Least  string  `json:"least"`
	Got    string  `json:"got"`
	Ratio  float64 `json:"ratio,omitempty"`
	Met    bool    `json:"met"`
	Reason string  `json:"reason,omitempty"` // of a miss
}

// Find gives a case by its ID, nil if there is none.
func (r *Report) Find(id string) *Case {
	for i := range r.Cases {
		if r.Cases[i].ID == id {
			return &r.Cases[i]
		}
	}
	return nil
}

// Rate is the median of the runs, 0 without any.
func (c *Case) Rate() float64 { return c.Median(func(r *Run) float64 { return r.Rate }) }

// Median of a figure over the runs; the lower of the two in the middle if their number is even.
func (c *Case) Median(of func(*Run) float64) float64 {
	if len(c.Runs) == 0 {
		return 0
	}
	values := make([]float64, len(c.Runs))
	for i := range c.Runs {
		values[i] = of(&c.Runs[i])
	}
	slices.Sort(values)
	return values[(len(values)-1)/2]
}

// Share of the ceiling named id, 0 if it is not in the report.
func (r *Report) Share(c *Case, id string) float64 {
	ceiling := r.Find(id)
	if ceiling == nil || ceiling.Rate() == 0 {
		return 0
	}
	return c.Rate() / ceiling.Rate()
}

// Breaches of all runs of all cases: with any, the report is no result.
func (r *Report) Breaches() (all []string) {
	for i := range r.Cases {
		for k := range r.Cases[i].Runs {
			for _, b := range r.Cases[i].Runs[k].Breaches {
				all = append(all, r.Cases[i].ID+": "+b)
			}
		}
	}
	return all
}
