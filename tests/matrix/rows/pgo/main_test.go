package main

import (
	"testing"
	"text/template"
)

func TestWork(t *testing.T) {
	if _, err := template.New("work").Parse(work(1)); err != nil {
		t.Error(err)
	}
}
