// A program whose hot functions are worth inlining, and whose interface calls are worth devirtualising.
package main

import (
	"crypto/sha256"
	"encoding/json"
	"fmt"
	"hash"
	"os"
	"runtime/pprof"
	"sort"
	"strings"
)

type shape interface{ area() float64 }

type square struct{ Side float64 }

func (s square) area() float64 { return s.Side * s.Side }

type circle struct{ Radius float64 }

func (c circle) area() float64 { return c.Radius * c.Radius * 3 }

func total(shapes []shape) (sum float64) {
	for _, s := range shapes {
		sum += s.area()
	}
	return sum
}

func work(rounds int) string {
	var h hash.Hash = sha256.New()
	shapes := []shape{circle{1}}
	for i := range 100 {
		shapes = append(shapes, square{float64(i)})
	}
	for i := range rounds {
		text, _ := json.Marshal(map[string]any{"round": i, "total": total(shapes)})
		words := strings.FieldsFunc(string(text), func(r rune) bool { return r == ',' })
		sort.Strings(words)
		fmt.Fprint(h, words)
	}
	return fmt.Sprintf("%x", h.Sum(nil))
}

// With a file as argument, it writes the profile that it is compiled by.
func main() {
	if len(os.Args) > 1 {
		file, err := os.Create(os.Args[1])
		if err != nil {
			panic(err)
		}
		defer file.Close()
		pprof.StartCPUProfile(file)
		defer pprof.StopCPUProfile()
		fmt.Println(work(200000))
		return
	}
	fmt.Println(work(10))
}
