// Dep has an answer, of C where there is cgo.
package main

func main() { println(answer()) }
