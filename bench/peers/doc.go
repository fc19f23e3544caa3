// Package peers measures PostgreSQL with the same rule beside Gongji: one world, one mix, one run, in turns.
package peers
