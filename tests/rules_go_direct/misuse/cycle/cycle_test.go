package cycle

import (
	"testing"

	_ "example.com/misuse/cycle/user"
)

func TestX(t *testing.T) {}
