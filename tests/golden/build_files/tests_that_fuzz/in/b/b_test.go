package b

import "testing"

func FuzzB(*testing.F) {}
