//go:build ignore

package main

import "go/format"

func main() { format.Source(nil) }
