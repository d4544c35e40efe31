// Package c has C code.
package c

// #include "twice.h"
import "C"

// Twice is double.
func Twice(n int) int {
	if n == 0 {
		return 0
	}
	return int(C.twice(C.int(n)))
}
