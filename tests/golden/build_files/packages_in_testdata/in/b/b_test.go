package b

import (
	"testing"

	"example.com/repo/b/testdata"
)

func TestB(*testing.T) { println(testdata.Value) }
