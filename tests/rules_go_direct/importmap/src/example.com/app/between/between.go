// Package between is one that needs the vendored dep.
package between

import "example.com/dep"

// Who says which one it has.
func Who() string { return dep.Who() }
