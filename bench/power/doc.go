// Package power lets machines fail under the real binary: killed processes, cut power, slow, failing and full disks, too much work; it is all tests.
package power
