//go:debug http2client=0

package main

func main() { println("main") }
