package main

import (
	"example.com/lib"
	"github.com/pkg/errors"
)

func main() {
	println(errors.Wrap(lib.Err, "replaced").Error())
}
