package main

import "example.com/tests/internal"

func main() { println(internal.Double(21)) }
