// Package made has a file that a rule makes.
package made

// Sum adds up to a number.
func Sum(n int) int {
	sum := 0
	for i := range n {
		sum += double(i)
	}
	return sum
}
