package embedded

import _ "embed"

//go:embed data/a.txt
var A string
