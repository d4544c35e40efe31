// Sum is a library for C, or a plugin.
package main

// typedef int (*binary)(int, int);
import "C"

// Sum adds.
//
//export Sum
func Sum(a, b C.int) C.int { return a + b }

// Answer is for those who load the plugin.
var Answer = 42

func main() {}
