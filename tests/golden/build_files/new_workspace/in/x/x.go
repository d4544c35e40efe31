package x

import _ "example.com/y"
