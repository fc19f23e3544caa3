// Package command turns commands and batches into the bytes of the log and back.
package command
