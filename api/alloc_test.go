//go:build !race

package api

import (
	"bufio"
	"strings"
	"testing"

	"github.com/rs/zerolog"
	"github.com/valyala/fasthttp"
)

// hotServer is a server without listeners, and one parsed request for it.
func hotServer(t testing.TB, raw string) (*fixture, *fasthttp.RequestCtx) {
	f := &fixture{t: t, log: &syncBuffer{}}
	var err error
	if f.Server, err = New(Options{Log: zerolog.Nop()}, f.routes()); err != nil {
		t.Fatal(err)
	}
	ctx := &fasthttp.RequestCtx{}
	ctx.Init2(nil, nil, false)
	if err := ctx.Request.Read(bufio.NewReader(strings.NewReader(raw))); err != nil {
		t.Fatal(err)
	}
	return f, ctx
}

func TestAllocs(t *testing.T) {
	f, ctx := hotServer(t, header("traceparent: 00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01"))
	l, err := NewLimiter(1_000_000, 1_000_000)
	if err != nil {
		t.Fatal(err)
	}
	f.opt.Limiter = l
	one := func() {
		f.business.headerReceived(&ctx.Request.Header)
		f.business.serve(ctx)
		if ctx.Response.StatusCode() != 200 {
			t.Fatal(ctx.Response.String())
		}
		ctx.Response.Reset()
	}
	one()
	if n := testing.AllocsPerRun(1000, one); n != 0 {
		t.Errorf("a whole call: %v allocations, want 0", n)
	}
	f, ctx = hotServer(t, request("GET", "/v1/persons/4200001/members", "", ""))
	var v verdict
	if n := testing.AllocsPerRun(1000, func() {
		v = verdict{}
		f.business.judge(&ctx.Request.Header, &v)
		if v.code != "" {
			t.Fatal(v.code)
		}
	}); n != 0 {
		t.Errorf("judge: %v allocations, want 0", n)
	}
}

// BenchmarkCall is all that this package does for a settlement: judge, decode, answer, count.
func BenchmarkCall(b *testing.B) {
	f, ctx := hotServer(b, good())
	b.ReportAllocs()
	for b.Loop() {
		f.business.headerReceived(&ctx.Request.Header)
		f.business.serve(ctx)
		ctx.Response.Reset()
	}
}

func BenchmarkJudge(b *testing.B) {
	f, ctx := hotServer(b, good())
	b.ReportAllocs()
	for b.Loop() {
		var v verdict
		f.business.judge(&ctx.Request.Header, &v)
		if v.code != "" {
			b.Fatal(v.code)
		}
	}
}

func BenchmarkRequestID(b *testing.B) {
	g := newRequestIDs()
	var buf [requestIDLen]byte
	b.ReportAllocs()
	for b.Loop() {
		g.append(buf[:0])
	}
}
