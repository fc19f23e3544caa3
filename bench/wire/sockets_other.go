//go:build !linux

package wire

import "errors"

// dial has no connections here: the generator waits with epoll.
func dial(string, int) (*noSockets, error) {
	return nil, errors.New("wire: the load generator needs Linux")
}

type noSockets struct{ wires }

func (noSockets) close() {}
