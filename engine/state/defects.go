package state

// The mistakes that a build tag turns on here, at most one at a time (bench/defects/DESIGN.md). All are false in a normal build.
const (
	idsNotSavedDefect   = active == 1 // a checkpoint has no id table
	mapOrderDefect      = active == 2 // the state hash takes the tables in the order of a map
	truncateEarlyDefect = active == 3 // a checkpoint counts as durable, and the log before it as done with, when it is not flushed
)

// anyOrder is what mapOrderDefect does to the tables.
func anyOrder(tables []table) []table {
	byName := map[string]table{}
	for _, t := range tables {
		byName[t.name] = t
	}
	tables = tables[:0]
	for _, t := range byName {
		tables = append(tables, t)
	}
	return tables
}
