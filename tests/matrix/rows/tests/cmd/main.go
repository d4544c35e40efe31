package main

import (
	"fmt"

	"github.com/spf13/pflag"

	"example.com/tests/inner"
	"example.com/tests/outer"
)

func greeting() string { return inner.Double(outer.ID()) }

func main() {
	pflag.Parse()
	fmt.Println(greeting())
}
