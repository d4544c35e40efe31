// Package lib takes the place of a module.
package lib

import "io"

// Err is an error.
var Err = io.ErrUnexpectedEOF
