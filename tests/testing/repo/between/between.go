// Package between is compiled again for the tests of mixed.
package between

import "example.com/tests/mixed"

func Twice() int { return 2 * mixed.Hidden() }
