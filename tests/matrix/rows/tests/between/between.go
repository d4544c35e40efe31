// Package between is compiled again for the tests of both.
package between

import "example.com/tests/both"

// Text is that of both.
func Text() string { return both.Text() }
