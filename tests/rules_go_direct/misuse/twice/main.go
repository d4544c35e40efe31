package main

import (
	_ "example.com/misuse/twice"
	_ "example.com/misuse/twice/user"
)

func main() {}
