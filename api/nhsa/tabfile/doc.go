// Package tabfile reads strict tab-separated tables, the form of the national TXT files, and tells all their faults at once.
//
// The first line is the kind of table, a tab and its name ("gongji catalogue 1<TAB>demo-2026"); the second the column names exactly as
// expected; then one row a line. Lines that begin with '#' are remarks and may stand anywhere behind the first. UTF-8, '\n' at each
// line's end, no quoting; an empty value is the word null (nhsa-interface.md 1.4, 3 and 4), so that a missing tab never looks like one.
package tabfile
