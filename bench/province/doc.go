// Package province generates a seeded, reproducible demo province with the shape of the official figures.
package province
