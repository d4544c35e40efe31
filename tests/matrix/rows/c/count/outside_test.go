package count_test

import (
	"sync"
	"testing"

	"example.com/c/count"
	"example.com/c/scale"
)

func TestTogether(t *testing.T) {
	var group sync.WaitGroup
	var mutex sync.Mutex
	for range 2 {
		group.Add(1)
		go func() {
			defer group.Done()
			mutex.Lock()
			defer mutex.Unlock()
			if count.Twice("12") < 4 || scale.Value() == 0 {
				t.Error("wrong")
			}
		}()
	}
	group.Wait()
}
