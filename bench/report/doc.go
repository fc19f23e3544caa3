// Package report shows a benchmark run to people: tables for a terminal, a JSON file, a page, a comparison of two.
package report
