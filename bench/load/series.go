package load

import (
	"time"

	"gongji/bench/result"
)

// seriesEvery is the distance of points: four a second show bursts of flushes and checkpoints, and cost nothing.
const seriesEvery = 250 * time.Millisecond

// sampler takes the points of a run. It belongs to one goroutine.
type sampler struct {
	drive  *drive
	stages *stages
	dir    string
	points []result.Point

	at      time.Time
	begin   time.Time
	done    uint64
	recent  counts
	batches batchCounts
	cpu     float64
}

func newSampler(d *drive, s *stages, dir string) *sampler {
	now := time.Now()
	return &sampler{drive: d, stages: s, dir: dir, at: now, begin: now, done: d.done.Load(), recent: d.recent.counts(), batches: s.counts(), cpu: cpuSeconds()}
}

// sample adds a point for the time since the last one.
func (s *sampler) sample() {
	now, done, recent, batches, cpu := time.Now(), s.drive.done.Load(), s.drive.recent.counts(), s.stages.counts(), cpuSeconds()
	seconds := now.Sub(s.at).Seconds()
	interval := recent.since(&s.recent)
	s.points = append(s.points, result.Point{
		At: now.Sub(s.begin).Seconds(), Rate: float64(done-s.done) / seconds, P99: float64(interval.quantile(0.99)) / 1e3,
		Batch: share(batches.commands-s.batches.commands, batches.batches-s.batches.batches), Contested: share(batches.contested-s.batches.contested, batches.commands-s.batches.commands),
		CPU: (cpu - s.cpu) / seconds, Memory: residentBytes(), Disk: bytesIn(s.dir),
	})
	s.at, s.done, s.recent, s.batches, s.cpu = now, done, recent, batches, cpu
}

// until samples until a moment.
func (s *sampler) until(end time.Time) {
	for {
		left := time.Until(end)
		if left <= 0 {
			return
		}
		time.Sleep(min(left, seriesEvery))
		s.sample()
	}
}
