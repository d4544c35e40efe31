package dep

// Rename is for tests.
func Rename(name string) { Name = name }
