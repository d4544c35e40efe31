"""The module extension that turns a lock into repositories."""

load("//go/private:extension.bzl", _go = "go")

go = _go
