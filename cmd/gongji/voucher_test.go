package main

import (
	"bytes"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"gongji/engine"
)

// TestVoucher: R27. The token that the command prints is one that the ledger's verifier takes, for this person; without a number there is none.
func TestVoucher(t *testing.T) {
	dir := filepath.Join(t.TempDir(), "ledger")
	e, err := engine.Open(engine.Options{Dir: dir, KeyFile: dir + ".key", Create: true, FirstPolicy: engine.Hubei, HousekeepingInterval: -1})
	if err != nil {
		t.Fatal(err)
	}
	defer func() {
		if err := e.Close(); err != nil {
			t.Error(err)
		}
	}()
	const certno = "994769201405207743"
	var out bytes.Buffer
	v := voucherCmd{Dir: dir, For: time.Minute}
	if err := v.issue(strings.NewReader(certno+"\n"), &out); err != nil {
		t.Fatal(err)
	}
	got, err := e.TestVouchers().Resolve(bytes.TrimSpace(out.Bytes()), time.Now().UnixMilli())
	if err != nil || got != e.Pseudonym("01", []byte(certno)) {
		t.Errorf("%x, %v", got, err)
	}
	for _, in := range []string{"", "994769201405207744\n"} {
		if err := v.issue(strings.NewReader(in), &out); err == nil || strings.Contains(err.Error(), "9947") {
			t.Errorf("%q: %v", in, err)
		}
	}
	v.For = 25 * time.Hour
	if err := v.issue(strings.NewReader(certno), &out); err == nil {
		t.Error("a token for more than a day")
	}
}
