package a

import "testing"

func FuzzA(*testing.F) {}
