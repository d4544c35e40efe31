package a

import _ "example.com/repo/b"
