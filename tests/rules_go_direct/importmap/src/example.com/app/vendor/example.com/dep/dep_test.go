package dep_test

import (
	"strings"
	"testing"

	"example.com/app/between"
	"example.com/dep"
)

func TestWho(t *testing.T) {
	dep.Rename("renamed")
	if got := between.Who(); !strings.HasPrefix(got, "vendored renamed example.com/app/vendor/example.com/dep.Who ") {
		t.Error(got)
	}
}
