package main

import "testing"

func TestSuccessor(t *testing.T) {
	if successor(1) != 2 {
		t.Error("wrong")
	}
}
