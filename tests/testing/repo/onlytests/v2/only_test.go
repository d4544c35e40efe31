//go:debug http2server=0

package only_test

import "testing"

func TestOnly(t *testing.T) {
	if !testing.Testing() {
		t.Error("testing.Testing says no")
	}
}
