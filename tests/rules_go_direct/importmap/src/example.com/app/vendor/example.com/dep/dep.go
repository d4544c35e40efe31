// Package dep is vendored.
package dep

import "runtime"

// Name is what the linker sets.
var Name = "dep"

// Who says which one it is.
func Who() string {
	pc, file, _, _ := runtime.Caller(0)
	return "vendored " + Name + " " + runtime.FuncForPC(pc).Name() + " " + file
}
