//! Build constraints: the expressions of `//go:build` lines (`go/build/constraint`).
