// Package leak looks for planted secrets in what a system puts out, in the forms in which they leak (reliability.md T19, P23, S10).
package leak
