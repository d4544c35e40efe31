// Replace greets with a module that lives beside it.
package main

import (
	"fmt"

	"example.com/greeting"
)

func main() {
	fmt.Println(greeting.For("directory"))
}
