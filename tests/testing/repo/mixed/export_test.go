package mixed

// Set lets external tests set what is hidden.
func Set(n int) { hidden = n }
