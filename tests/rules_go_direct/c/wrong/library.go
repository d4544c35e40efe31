package main

// #cgo pkg-config: gtk4
import "C"

func main() {}
