// Package archive keeps what a log may forget: sealed, compressed segments of its records, tied to one another by hashes.
package archive
