package onlytest

import (
	"testing"

	"example.com/m/plat"
)

func TestName(t *testing.T) { _ = plat.Name() }
