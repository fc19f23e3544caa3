package main

import (
	"bytes"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"gongji/api/drawproof"
	"gongji/api/ids"
)

// drawnProof is the answer of a draw call of three candidates, one of whom paid.
func drawnProof() *drawproof.Proof {
	key := sha256.Sum256([]byte("day"))
	hash, text := sha256.Sum256(key[:]), hex.EncodeToString(key[:])
	p := &drawproof.Proof{SetlID: string(ids.AppendSettlement(nil, 9<<20|2)), SetlTime: time.Date(2026, 3, 10, 9, 0, 0, 0, beijing), Sequence: 9, Index: 2, Day: "2026-03-10", KeyLogged: time.Date(2026, 3, 2, 0, 0, 5, 0, beijing),
		Label: drawproof.Label, KeyHash: hex.EncodeToString(hash[:]), Key: &text, Candidates: []string{"ann", "bob", "cho"}, Mulaid: "12.00"}
	for _, i := range drawproof.Order(key[:], 9, 2, 3) {
		p.Drawn = append(p.Drawn, p.Candidates[i])
	}
	p.Paid = []drawproof.Payment{{Name: p.Drawn[0], Amount: "12.00"}}
	return p
}

// verifyDraw runs `gongji draw verify` on a proof in a file.
func verifyDraw(t *testing.T, p *drawproof.Proof, hash string) (string, error) {
	t.Helper()
	text, err := json.Marshal(p)
	if err != nil {
		t.Fatal(err)
	}
	path := filepath.Join(t.TempDir(), "draw.json")
	if err := os.WriteFile(path, text, 0o600); err != nil {
		t.Fatal(err)
	}
	var out bytes.Buffer
	err = (&drawVerifyCmd{Proof: path, KeyHash: hash, out: &out}).Run()
	return out.String(), err
}

// TestDrawVerify (R28): an honest draw is OK; a wrong key, a wrong hash and a steered order are told, and the command fails.
func TestDrawVerify(t *testing.T) {
	if out, err := verifyDraw(t, drawnProof(), drawnProof().KeyHash); err != nil || !strings.Contains(out, "OK        3 candidates, 1 paid 12.00") || !strings.Contains(out, ", 7 days ahead") {
		t.Errorf("%v\n%s", err, out)
	}
	f := func(name, says, hash string, plant func(p *drawproof.Proof)) {
		t.Helper()
		p := drawnProof()
		plant(p)
		out, err := verifyDraw(t, p, hash)
		if err == nil || strings.Contains(out, "OK") || !strings.Contains(out, "DIFFERS") || !strings.Contains(out, says) {
			t.Errorf("%s: %v\n%s", name, err, out)
		}
	}
	wrong := strings.Repeat("00", 32)
	f("wrong key", "the key has the hash", "", func(p *drawproof.Proof) { p.Key = &wrong })
	f("wrong hash", "told before", wrong, func(p *drawproof.Proof) {})
	f("steered order", "place 2", "", func(p *drawproof.Proof) { p.Drawn[1], p.Drawn[2] = p.Drawn[2], p.Drawn[1] })
	early := drawnProof()
	early.Key = nil
	if _, err := verifyDraw(t, early, ""); !errors.Is(err, drawproof.ErrNotPublished) {
		t.Errorf("before its day is over: %v", err)
	}
	if err := (&drawVerifyCmd{Proof: filepath.Join(t.TempDir(), "none")}).Run(); err == nil {
		t.Error("no file, no error")
	}
}

// TestDrawVerifyURL: the proof may come straight from a server; a refusal there is the command's.
func TestDrawVerifyURL(t *testing.T) {
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.URL.Path != "/v1/settlements/x/draw" {
			w.WriteHeader(404)
			_, _ = w.Write([]byte(`{"status":404,"code":"not_found"}`))
			return
		}
		_ = json.NewEncoder(w).Encode(drawnProof())
	}))
	defer server.Close()
	var out bytes.Buffer
	if err := (&drawVerifyCmd{Proof: server.URL + "/v1/settlements/x/draw", out: &out}).Run(); err != nil || !strings.Contains(out.String(), "OK") {
		t.Errorf("%v\n%s", err, out.String())
	}
	if err := (&drawVerifyCmd{Proof: server.URL + "/v1/settlements/y/draw", out: &out}).Run(); err == nil || !strings.Contains(err.Error(), "not_found") {
		t.Errorf("unknown settlement: %v", err)
	}
}
