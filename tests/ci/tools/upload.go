// upload prints the pipeline from standard input as JSON, as `buildkite-agent pipeline upload` sends it: with variables of the environment
// filled in.
package main

import (
	"encoding/json"
	"fmt"
	"os"
	"strings"

	"github.com/buildkite/go-pipeline"
	_ "github.com/rhysd/actionlint" // Its version is in go.mod.
)

type environment map[string]string

func (e environment) Get(name string) (string, bool) {
	value, ok := e[name]
	return value, ok
}

func (e environment) Set(name, value string) { e[name] = value }

func main() {
	if err := upload(); err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
}

func upload() error {
	parsed, err := pipeline.Parse(os.Stdin)
	if err != nil {
		return err
	}
	env := environment{}
	for _, variable := range os.Environ() {
		name, value, _ := strings.Cut(variable, "=")
		env[name] = value
	}
	if err := parsed.Interpolate(env, false); err != nil {
		return err
	}
	return json.NewEncoder(os.Stdout).Encode(parsed)
}
