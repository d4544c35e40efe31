package c

// Plain has none.
func Plain() bool {
	return Twice(1) == 2
}
