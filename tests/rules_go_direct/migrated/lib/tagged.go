//go:build tagged

package lib

// Tagged says whether the tag is set.
const Tagged = true
