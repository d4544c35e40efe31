//go:build goexperiment.arenas

package main

import "arena"

var experiment = *arena.New[int](arena.NewArena())
