package kinds_test

import (
	"fmt"

	"example.com/tests/kinds"
)

func ExampleHalf() {
	half, err := kinds.Half(10)
	fmt.Println(half, err)
	// Output: 5 <nil>
}

func ExampleHalf_odd() {
	for _, n := range []int{1, 3} {
		_, err := kinds.Half(n)
		fmt.Println(n, err)
	}
	// Unordered output:
	// 3 odd
	// 1 odd
}

func ExampleHalf_quotes() {
	fmt.Println("„é\t\"")
	// Output: „é	"
}

func Example_notRun() { panic("never") }

func Example_nothing() {
	// Output:
}
