// Package defects turns real mistakes of the product code on, one at a time, and demands that the named test of each sees it (T20).
package defects
