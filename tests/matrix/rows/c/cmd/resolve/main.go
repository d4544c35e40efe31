// Resolve uses the packages of std that have C code.
package main

import (
	"net"
	"os/user"
)

func main() {
	me, err := user.Current()
	println(me != nil, err == nil)
	addresses, err := net.LookupHost("localhost")
	println(len(addresses) > 0, err == nil)
}
