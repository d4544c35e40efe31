// Package scale includes a header of another directory.
package scale

// #cgo CFLAGS: -I../include
// #include "shared.h"
// #include "scale.h"
import "C"

// Value is twice the shared number.
func Value() int { return int(C.value()) }
