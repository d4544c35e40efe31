package main

import "testing"

func TestPort(t *testing.T) {
	if port() == "" {
		t.Fail()
	}
}
