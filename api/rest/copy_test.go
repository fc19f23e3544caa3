package rest

import (
	"path/filepath"
	"testing"

	"gongji/engine"
)

// A copy of the running ledger verifies from zero; its name is taken once (design.md 7).
func TestCopy(t *testing.T) {
	f := start(t, setup{})
	f.postAdmin("/v1/ledger/copies", `{"name":"c1"}`).want(200)
	f.postAdmin("/v1/ledger/copies", `{"name":"c1"}`).want(409)
	v, err := engine.Verify(engine.VerifyOptions{Dir: filepath.Join(f.engine.CopiesDir(), "c1"), KeyFile: filepath.Join(filepath.Dir(f.engine.CopiesDir()), "key"), Scratch: t.TempDir()})
	if err != nil || v.Batches == 0 {
		t.Fatalf("verdict %+v, %v", v, err)
	}
}
