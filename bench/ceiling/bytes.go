package ceiling

import "gongji/bench/load"

// sampled commands for a mean: half a percent off at most.
const sampled = 10_000

// CommandBytes is the mean length of an encoded command of a world's stream: what the log is given by the engine under this load.
func CommandBytes(w *load.World, mix load.Mix) int {
	s := w.NewStream(mix, 1, 0)
	var b []byte
	for range sampled {
		b, _ = s.Append(b)
	}
	return (len(b) + sampled/2) / sampled
}
