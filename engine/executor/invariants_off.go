//go:build !invariants

package executor

import "gongji/engine/ledger"

const dear = false

func mustHold(*Batch, *ledger.State) {}
