// Own has C and assembly, which call Go; and packages with C and C++.
package main

/*
#cgo CFLAGS: -I${SRCDIR}/../../include -DANSWER=42
#cgo LDFLAGS: -lm
#include <math.h>
#include "shared.h"
#include "calc.h"

static int twice(int n) { return 2 * n; }
*/
import "C"

import (
	"example.com/c/count"
	"example.com/c/scale"
)

//export successor
func successor(n C.int) C.int { return n + 1 }

func main() {
	println(C.twice(21), C.calc(3), int(C.sqrt(16)), C.SHARED, scale.Value(), count.Length("hello"))
}
