// Package dep is everybody's.
package dep

// Name is what the linker sets.
var Name = "dep"

// Who says which one it is.
func Who() string { return "everybody's " + Name }
