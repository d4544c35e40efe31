// Command c asks C. It needs little of std, which is compiled with cgo for it alone.
package main

// #include "twice.h"
import "C"

func main() { println(int(C.twice(21))) }
