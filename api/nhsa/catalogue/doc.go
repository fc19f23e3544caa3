// Package catalogue splits the amount of a fee line into the four parts of a bill by a dated catalogue file.
package catalogue
