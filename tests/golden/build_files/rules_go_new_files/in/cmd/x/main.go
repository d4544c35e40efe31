package main

import _ "example.com/modules/a"

func main() {}
