package main

import (
	"os"
	"testing"
)

var set bool

func TestMain(m *testing.M) {
	set = true
	os.Exit(m.Run())
}

func TestSet(t *testing.T) {
	if !set {
		t.Error("TestMain didn't run")
	}
}
