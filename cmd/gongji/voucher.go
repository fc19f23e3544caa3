package main

import (
	"bufio"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"time"

	"gongji/api/ids"
	"gongji/engine"
)

type voucherCmd struct {
	Dir     string        `arg:"" help:"Ledger directory; the server may be running." default:"data/gongji"`
	KeyFile string        `help:"Key file. Default: DIR.key." placeholder:"FILE"`
	For     time.Duration `help:"How long the token is valid." default:"10m"`
}

// voucherMax: a test token is no standing permission.
const voucherMax = 24 * time.Hour

// Run prints a test e-voucher for the identity number on standard input: an argument would stand in the list of processes.
func (v *voucherCmd) Run() error { return v.issue(os.Stdin, os.Stdout) }

func (v *voucherCmd) issue(in io.Reader, out io.Writer) error {
	line := bufio.NewScanner(in)
	if !line.Scan() || ids.CheckCertno(line.Bytes()) != nil {
		return errors.New("standard input has no identity number on its first line")
	}
	if v.For <= 0 || v.For > voucherMax {
		return fmt.Errorf("a token is valid for up to %s", voucherMax)
	}
	key := v.KeyFile
	if key == "" {
		key = filepath.Clean(v.Dir) + ".key"
	}
	token, err := engine.IssueTestVoucher(v.Dir, key, "01", ids.AppendCertno(nil, line.Bytes()), uint32(time.Now().Add(v.For).Unix()))
	if err != nil {
		return err
	}
	_, err = fmt.Fprintf(out, "%s\n", token)
	return err
}
