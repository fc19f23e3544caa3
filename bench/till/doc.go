// Package till plays the other side of the national interface: pharmacy tills and hospital systems whose line can be cut at a chosen moment, who
// then do what real ones do, and who reconcile at the end of the day.
package till
