// Package text has words in several languages.
package text

import "embed"

//go:embed words
var words embed.FS

// Read gives the word in a language; it panics where there is none.
func Read(language string) string {
	text, err := words.ReadFile("words/" + language + ".txt")
	if err != nil {
		panic(err)
	}
	return string(text[:len(text)-1])
}
