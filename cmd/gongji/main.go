package main

import (
	"errors"
	"fmt"
	"os"

	"github.com/alecthomas/kong"
)

// version is set by the build.
var version = "unknown"

type cli struct {
	Config string `help:"Read settings from this TOML file. Flags beat the environment (GONGJI_…), that beats the file." placeholder:"FILE"`

	Serve   serveCmd   `cmd:"" help:"Serve a ledger: till and hospital calls on one port, operators' calls on another."`
	Verify  verifyCmd  `cmd:"" help:"Replay a ledger's whole log and prove its books."`
	Archive archiveCmd `cmd:"" help:"Seal a stopped ledger's log into an archive and truncate it."`
	Draw    drawCmd    `cmd:"" help:"Look at random draws."`
	Demo    demoCmd    `cmd:"" help:"Play a day of settlements, tell who paid what, prove the books."`
	Import  importCmd  `cmd:"" help:"Load persons, institutions, bindings and credits from NDJSON into a running server."`
	Bench   benchCmd   `cmd:"" help:"Measure the engine on this machine."`
	Policy  policyCmd  `cmd:"" help:"Check, show, compare and activate regional profiles."`
	Voucher voucherCmd `cmd:"" help:"Print a test e-voucher (mdtrt_cert_type 01) for the identity number on standard input."`
	Till    tillCmd    `cmd:"" help:"Play a pharmacy or a hospital on the national interface, cut its line, reconcile its day."`
	Version versionCmd `cmd:"" help:"Print the version."`

	TillLoad tillLoadCmd `cmd:"" hidden:"" help:"Play many tills against a server with the demo province and keep a book of what was acknowledged."`
}

// exitError ends the process with a code of its own after its text was printed.
type exitError int

func (e exitError) Error() string { return fmt.Sprintf("exit code %d", int(e)) }

func main() {
	args, err := withSettings(os.Args[1:], os.LookupEnv, os.ReadFile)
	if err != nil {
		fmt.Fprintln(os.Stderr, "gongji:", err)
		os.Exit(1)
	}
	var c cli
	parser := kong.Must(&c, kong.Name("gongji"), kong.UsageOnError(),
		kong.Description("Gongji (共济) settles medical bills against personal accounts with family mutual aid: own account first, then relatives, "+
			"on disk before the answer leaves, at most once."),
		kong.ConfigureHelp(kong.HelpOptions{Compact: true, WrapUpperBound: 110}))
	ctx, err := parser.Parse(args)
	parser.FatalIfErrorf(err)
	if err := ctx.Run(); err != nil {
		if code := exitError(0); errors.As(err, &code) {
			os.Exit(int(code))
		}
		fmt.Fprintln(os.Stderr, "gongji:", err)
		os.Exit(1)
	}
}

type versionCmd struct{}

func (versionCmd) Run() error {
	fmt.Println("gongji", version)
	return nil
}
