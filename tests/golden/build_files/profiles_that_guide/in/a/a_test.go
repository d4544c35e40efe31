package main

import "testing"

func TestA(*testing.T) {}
