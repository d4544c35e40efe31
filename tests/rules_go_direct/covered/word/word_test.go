package word

import "testing"

func TestCount(t *testing.T) {
	if Count('o') != 1 || Count('x') != 0 {
		t.Errorf("got %d", Count('o'))
	}
}
