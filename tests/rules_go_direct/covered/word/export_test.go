package word

// Set lets external tests say another word.
func Set(w string) { word = w }
