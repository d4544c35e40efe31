package main

import (
	"example.com/lib"
	"github.com/pkg/errors"
)

func main() {
	if err := errors.WithStack(lib.Do()); err != nil {
		panic(err)
	}
}
