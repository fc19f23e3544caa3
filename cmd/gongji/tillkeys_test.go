package main

import (
	"bytes"
	"context"
	"crypto/rand"
	"encoding/hex"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/emmansun/gmsm/sm2"

	"gongji/api/nhsa/sign"
)

// gate stands before a server and speaks a signature scheme: it opens what comes, hands the plain message on and seals the answer.
func gate(t *testing.T, h *house, scheme sign.Scheme, opened *atomic.Int64) *httptest.Server {
	t.Helper()
	s := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		body, err := io.ReadAll(r.Body)
		if err != nil {
			http.Error(w, err.Error(), http.StatusBadRequest)
			return
		}
		plain, who, err := scheme.Open(sign.HTTP(r.Header), body, h.now())
		if err != nil {
			http.Error(w, `{"code":401}`, http.StatusUnauthorized)
			return
		}
		opened.Add(1)
		resp, err := http.Post(h.business()+r.URL.Path, mediaJSON, bytes.NewReader(plain))
		if err != nil {
			http.Error(w, err.Error(), http.StatusBadGateway)
			return
		}
		defer resp.Body.Close()
		answer, err := io.ReadAll(resp.Body)
		if err == nil {
			answer, err = scheme.Seal(w.Header(), who, answer, h.now())
		}
		if err != nil {
			http.Error(w, err.Error(), http.StatusBadGateway)
			return
		}
		w.WriteHeader(resp.StatusCode)
		w.Write(answer)
	}))
	t.Cleanup(func() {
		s.Close()
		http.DefaultClient.CloseIdleConnections()
	})
	return s
}

// now is the time of the house's story, which begins in the morning.
func (h *house) now() time.Time { return time.UnixMilli(h.clock.Wall()) }

// keyPair is an SM2 key as key files have it.
func keyPair(t *testing.T) (private, public string) {
	t.Helper()
	k, err := sm2.GenerateKey(rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	e, err := k.ECDH()
	if err != nil {
		t.Fatal(err)
	}
	return hex.EncodeToString(k.D.FillBytes(make([]byte, 32))), hex.EncodeToString(e.PublicKey().Bytes())
}

func keyFileOf(t *testing.T, text string) string {
	t.Helper()
	path := filepath.Join(t.TempDir(), "keys")
	if err := os.WriteFile(path, []byte(text), 0o400); err != nil {
		t.Fatal(err)
	}
	return path
}

// TestTillKeys: with --keys a till signs, a cut line included; without, or with another's key, nothing gets through.
func TestTillKeys(t *testing.T) {
	ours, oursPublic := keyPair(t)
	platform, platformPublic := keyPair(t)
	row := "[[caller]]\nname = \"ak-0001\"\nfixmedins_codes = [\"P99100000001\"]\n"
	head := func(scheme, role, more string) string {
		return fmt.Sprintf("gongji_keys = 1\nscheme = %q\nrole = %q\n%s", scheme, role, more)
	}
	knobs := "empty_fields = \"signed\"\nsignature = \"raw\"\n"
	for scheme, x := range map[string][2]string{
		sign.SchemeXTIF: {head(sign.SchemeXTIF, sign.RolePlatform, "") + row + "secret = \"0123456789abcdef\"\n", head(sign.SchemeXTIF, sign.RoleInstitution, "") + row + "secret = \"0123456789abcdef\"\n"},
		sign.SchemeEnvelope: {head(sign.SchemeEnvelope, sign.RolePlatform, knobs+fmt.Sprintf("sm2_private = %q\n", platform)) + row + fmt.Sprintf("sm2_public = %q\n", oursPublic),
			head(sign.SchemeEnvelope, sign.RoleInstitution, knobs+fmt.Sprintf("sm2_public = %q\n", platformPublic)) + row + fmt.Sprintf("sm2_private = %q\n", ours)},
	} {
		h := openDemoHouse(t)
		keys, err := sign.Load(keyFileOf(t, x[0]))
		if err != nil {
			t.Fatal(err)
		}
		s, err := sign.New(keys, sign.Options{})
		if err != nil {
			t.Fatal(err)
		}
		var opened atomic.Int64
		g := gate(t, h, s, &opened)
		book := filepath.Join(t.TempDir(), "book")
		c := &tillCmd{URL: g.URL, Keys: keyFileOf(t, x[1]), Book: book, Cut: []string{"unread"}, Persons: demoPersonsMin, now: h.now}
		var out strings.Builder
		level, err := c.play(context.Background(), strings.NewReader(""), &out)
		if err != nil || level != has(t, h, "3201") || opened.Load() < 7 {
			t.Errorf("%s: level %t, %v, %d messages opened\n%s", scheme, level, err, opened.Load(), &out)
		}
		c.Keys, c.Book = "", book+"2"
		opened.Store(0)
		if _, err := c.play(context.Background(), strings.NewReader(""), &out); err == nil || opened.Load() > 0 {
			t.Errorf("%s: unsigned messages got through: %v", scheme, err)
		}
	}
}
