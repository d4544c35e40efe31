// Package sum adds in assembly.
package sum

// Add is the sum of its arguments.
func Add(a, b uint64) uint64
