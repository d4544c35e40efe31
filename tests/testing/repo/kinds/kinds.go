package kinds

import "errors"

// ErrOdd is returned for odd numbers.
var ErrOdd = errors.New("odd")

func Half(n int) (int, error) {
	if n%2 != 0 {
		return 0, ErrOdd
	}
	return n / 2, nil
}
