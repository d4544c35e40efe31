package main

import (
	"testing"

	"example.com/tests/both"
)

func TestGreeting(t *testing.T) {
	if greeting() == both.Text() {
		t.Error(greeting())
	}
}
