// Package deps imports what its rule doesn't list.
package deps

import (
	_ "net/http"

	_ "example.com/misuse"
	_ "example.com/misuse/deps/v2"
	_ "example.com/misuse/twice"
	_ "github.com/google/uuid"
)
