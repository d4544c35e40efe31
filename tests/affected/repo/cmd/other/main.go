package main

import (
	"example.com/m/asm"
	"example.com/m/ext"
)

func main() { println(asm.Add(1, 2), ext.New()) }
