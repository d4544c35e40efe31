// Package untested has no tests.
package untested

// No is never called.
func No() bool { return false }
