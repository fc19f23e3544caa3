package main

import (
	"os"
	"strings"
	"testing"

	"go.uber.org/goleak"
)

// serveArgs, if set in the environment, makes the test binary the program with these arguments, one a line.
const serveArgs = "GONGJI_TEST_SERVE"

func TestMain(m *testing.M) {
	if args := os.Getenv(serveArgs); args != "" {
		os.Args = append(os.Args[:1], strings.Split(args, "\n")...)
		main()
		return
	}
	goleak.VerifyTestMain(m,
		// fasthttp's clock for the Date header lives as long as the process.
		goleak.IgnoreAnyFunction("github.com/valyala/fasthttp.updateServerDate.func1"),
		// Its worker pool's cleaner looks at the stop channel only once in 10 s.
		goleak.IgnoreAnyFunction("github.com/valyala/fasthttp.(*workerPool).Start.func2"))
}
