//go:debug panicnil=1

package outer_test

import (
	"testing"

	"github.com/spf13/pflag"

	"example.com/tests/outer"
)

func TestID(t *testing.T) {
	flags := pflag.NewFlagSet("test", pflag.ContinueOnError)
	id := flags.String("id", "", "which")
	if err := flags.Parse([]string{"--id", outer.ID()}); err != nil || *id != outer.ID() {
		t.Error(*id, err)
	}
}
