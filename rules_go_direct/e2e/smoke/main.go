// Smoke greets.
package main

import (
	"fmt"

	"example.com/smoke/greet"
)

func main() { fmt.Println(greet.Word("Bazel")) }
