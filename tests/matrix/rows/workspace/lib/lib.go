// Package lib is a module of the workspace.
package lib

import "os"

// Do fails without arguments.
func Do() error {
	_, err := os.Stat(os.Args[len(os.Args)-1])
	return err
}
