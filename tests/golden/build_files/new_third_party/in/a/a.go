package a

import _ "github.com/cespare/xxhash/v2"
