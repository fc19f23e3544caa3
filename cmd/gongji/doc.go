// Package main is gongji, the one binary: serve, demo, import, verify, bench and version.
package main
