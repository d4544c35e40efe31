// Package deps uses C.
package deps

import "C"
