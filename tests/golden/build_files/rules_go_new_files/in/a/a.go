package a

import (
	"fmt"

	_ "github.com/cespare/xxhash/v2"
	_ "github.com/fatih/color"
)

var _ = fmt.Sprint
