// Command ports prints what it was built of.
package main

import "fmt"

func main() {
	fmt.Println(port(), level())
}
