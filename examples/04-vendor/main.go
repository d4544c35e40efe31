// Vendored shouts with the copy of a module in vendor.
package main

import (
	"fmt"

	"example.com/shout"
)

func main() {
	fmt.Println(shout.Text("vendored"))
}
