package a

import _ "embed"

//go:embed t/*.txt
var t string
