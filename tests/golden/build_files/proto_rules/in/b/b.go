package b

import _ "example.com/repo/a"
