// App has both.
//
// Without a module, programs have the settings of an old Go, if they don't say otherwise.
//
//go:debug default=go1.27
package main

import (
	"os"

	"example.com/app/between"
	"example.com/other"
)

func main() {
	os.Stdout.WriteString(between.Who() + "\n" + other.Who() + "\n")
}
