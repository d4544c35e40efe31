package word

// Port is where the word is said.
func Port() string {
	switch {
	case word == "":
		return ""
	default:
		return "amd64"
	}
}
