// Hello says hello, and which Go built it for which platform.
package main

import (
	"fmt"
	"runtime"
)

func main() {
	fmt.Printf("hello from %s on %s/%s\n", runtime.Version(), runtime.GOOS, runtime.GOARCH)
}
