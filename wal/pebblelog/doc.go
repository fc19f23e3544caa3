// Package pebblelog keeps the ordered log of one machine in segment files of Pebble's record format.
//
// One record is one Pebble record and one sync. A mark file beside the segments
// says up to where the log must reach, because a log alone cannot tell a torn
// tail from a rotten one. DESIGN.md of package wal has the reasons and the numbers.
package pebblelog
