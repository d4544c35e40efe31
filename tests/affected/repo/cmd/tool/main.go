package main

import (
	"fmt"

	"example.com/m/embedded"
	"example.com/m/lib"
	"example.com/m/plat"
)

func main() {
	files, _ := embedded.Data.ReadDir("data")
	fmt.Println(lib.Greet(plat.Name()), len(files))
}
