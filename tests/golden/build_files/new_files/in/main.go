package main

import "example.com/repo/a"

func main() { a.F() }
