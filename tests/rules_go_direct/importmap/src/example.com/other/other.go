// Package other needs everybody's dep.
package other

import "example.com/dep"

// Who says which one it has.
func Who() string { return dep.Who() }
