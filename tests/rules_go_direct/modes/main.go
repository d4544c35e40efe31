// Modes says how it was built.
package main

import (
	"crypto/fips140"
	"fmt"
)

var (
	commit  = "unknown"
	release = "development"
	built   = "some day"
	braces  = "none"
)

func main() {
	fmt.Println(fips140.Enabled(), experiment, commit, release, built, braces)
}
