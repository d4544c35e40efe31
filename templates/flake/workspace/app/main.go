// App greets whoever is named.
package main

import (
	"os"

	"example.com/greet"
)

func main() {
	who := "workspace"
	if len(os.Args) > 1 {
		who = os.Args[1]
	}
	os.Stdout.WriteString(greet.Hello(who) + "\n")
}
