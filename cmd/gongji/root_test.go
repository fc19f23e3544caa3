package main

import (
	"encoding/hex"
	"errors"
	"fmt"
	"testing"

	"gongji/engine"
)

// TestVerifyRoot (T18, P22): a kept root is compared, a wrong one refuses the ledger, and what is no root is named.
func TestVerifyRoot(t *testing.T) {
	dir := t.TempDir()
	o := engine.Options{Dir: dir + "/ledger", KeyFile: dir + "/ledger.key", Create: true, HousekeepingInterval: -1, Fatal: func(err error) { t.Error(err) }}
	e, err := engine.Open(o)
	if err != nil {
		t.Fatal(err)
	}
	kept, err := e.Totals(engine.AskLimit, 0)
	if err != nil {
		t.Fatal(err)
	}
	if err := e.Close(); err != nil {
		t.Fatal(err)
	}
	run := func(roots ...string) error { return (&verifyCmd{Dir: o.Dir, Root: roots, Scratch: t.TempDir()}).Run() }
	good := fmt.Sprintf("%d:%x", kept.Sequence, kept.LogChain)
	if err := run(good, fmt.Sprintf("%d:%x", kept.Sequence, kept.EffectChain)); err != nil {
		t.Error(err)
	}
	kept.LogChain[31] ^= 1
	for _, root := range []string{fmt.Sprintf("%d:%x", kept.Sequence, kept.LogChain), fmt.Sprintf("%d:%x", kept.Sequence+1, kept.EffectChain)} {
		if err := run(good, root); !errors.Is(err, engine.ErrRoot) {
			t.Errorf("%s: %v", root, err)
		}
	}
	for _, root := range []string{"", "1", "x:" + hex.EncodeToString(kept.LogChain[:]), "1:" + hex.EncodeToString(kept.LogChain[:31]), "0:" + hex.EncodeToString(kept.LogChain[:]), "1:zz"} {
		if err := run(root); err == nil || errors.Is(err, engine.ErrRoot) {
			t.Errorf("root %q: %v", root, err)
		}
	}
}
