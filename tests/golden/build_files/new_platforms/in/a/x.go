//go:build !arm64 && !windows

package a

import _ "example.com/repo/c"
