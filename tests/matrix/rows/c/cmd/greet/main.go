// Greet asks pkg-config.
package main

// #cgo pkg-config: greeting
// #include <greeting.h>
import "C"

func main() {
	println(C.GoString(C.CString(C.GREETING)))
}
