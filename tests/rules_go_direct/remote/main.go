// Command remote prints a sum, a hash and a text.
package main

import (
	"fmt"

	"github.com/cespare/xxhash/v2"

	"example.com/remote/sum"
	"example.com/remote/text"
)

func main() {
	fmt.Println(sum.Add(40, 2), xxhash.Sum64String("remote"), text.Read("en"))
}
