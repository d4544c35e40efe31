package a_test

import (
	"testing"

	"example.com/repo/a"
)

func TestG(t *testing.T) { a.F() }
