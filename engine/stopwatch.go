package engine

import (
	"maps"
	"time"
)

// stopwatch takes the times of a start's stages, for the event "recovered". Owner: the goroutine that recovers.
type stopwatch struct {
	begun, last time.Time
	laps        map[string]any // milliseconds by stage
}

func newStopwatch() *stopwatch {
	now := time.Now()
	return &stopwatch{begun: now, last: now, laps: map[string]any{}}
}

// lap ends a stage.
func (w *stopwatch) lap(stage string) {
	now := time.Now()
	w.laps[stage], w.last = now.Sub(w.last).Milliseconds(), now
}

// tell adds the stages and their sum, "ms", to what else there is to tell.
func (w *stopwatch) tell(values map[string]any) map[string]any {
	maps.Copy(values, w.laps)
	values["ms"] = time.Since(w.begun).Milliseconds()
	return values
}
