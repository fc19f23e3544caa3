package command

import "gongji/engine/ledger"

// SlowAppend writes a command by the layout, also where there is a hand-written way.
func SlowAppend(cmd *ledger.Command, d *Details) []byte { return finish(slowAppend(nil, cmd, d), 0) }
