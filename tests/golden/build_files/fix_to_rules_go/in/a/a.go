package a

import "fmt"

var _ = fmt.Sprint
