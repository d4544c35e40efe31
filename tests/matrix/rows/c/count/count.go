// Package count has C++.
package count

// #cgo CXXFLAGS: -std=c++17
// #include <stdlib.h>
// #include "length.h"
import "C"

import "unsafe"

// Length is that of a string, and how often it was asked for.
func Length(s string) int {
	c := C.CString(s)
	defer C.free(unsafe.Pointer(c))
	return int(C.length(c))
}
