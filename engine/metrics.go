package engine

import (
	"fmt"
	"io"
)

// WriteMetrics writes the engine's counters in the Prometheus text format. No label ever holds an id.
func (e *Engine) WriteMetrics(w io.Writer) {
	s := &e.stats
	for _, m := range [...]struct {
		name, kind string
		value      uint64
	}{
		{"gongji_batches_total", "counter", s.Batches.Load()},
		{"gongji_commands_total", "counter", s.Commands.Load()},
		{"gongji_commands_contested_total", "counter", s.Contested.Load()},
		{"gongji_commands_serial_total", "counter", s.Serial.Load()},
		{"gongji_settlements_accepted_total", "counter", s.Settlements.Load()},
		{"gongji_settlements_mutual_aid_total", "counter", s.Relatives.Load()},
		{"gongji_settlements_all_cash_total", "counter", s.Cash.Load()},
		{"gongji_postings_total", "counter", s.Legs.Load()},
		{"gongji_sequence", "gauge", s.Sequence.Load()},
		{"gongji_acknowledged_sequence", "gauge", e.log.Mark()},
		{"gongji_checkpoint_sequence", "gauge", s.Checkpoint.Load()},
		{"gongji_archived_sequence", "gauge", s.Archived.Load()},
		{"gongji_day_keys_ahead", "gauge", s.DayKeysAhead.Load()},
		{"gongji_day_keys_unpublished", "gauge", s.DayKeysUnpublished.Load()},
		{"gongji_queue_commands", "gauge", uint64(e.sequencer.Depth())},
	} {
		fmt.Fprintf(w, "# TYPE %s %s\n%s %d\n", m.name, m.kind, m.name, m.value)
	}
}
