package shout

import "testing"

func TestText(t *testing.T) {
	if got := Text("a"); got != "A!!!" {
		t.Error(got)
	}
}
