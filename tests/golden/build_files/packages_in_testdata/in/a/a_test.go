package a

import (
	"testing"

	"example.com/repo/a/testdata/fixture"
)

func TestA(*testing.T) { println(fixture.Value) }
