package main

import (
	"fmt"
	"runtime"

	"example.com/migrated/lib"
)

func main() {
	text, err := lib.Text()
	fmt.Println(text, err, lib.Version, lib.Tagged, runtime.GOARCH, race)
}
