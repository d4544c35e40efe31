package main

import "testing"

func FuzzA(*testing.F) {}
