package a

import (
	_ "example.com/repo/b"
	_ "example.com/repo/c"
)
