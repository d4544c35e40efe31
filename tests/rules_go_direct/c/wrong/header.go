package main

// #include "missing.h"
import "C"

func main() {}
