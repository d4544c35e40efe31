/* Package er is in a directory below another: */ /* its name is not at
the beginning of a line. */ package er

import "os"

// Exists says whether there is a file.
func Exists(name string) bool {
	_, err := os.Stat(name)
	if err != nil {
		return false
	}
	return true
}
