"""Everything in defs.bzl, by the name of rules_go's file, so that the `load`s of existing BUILD files need no change."""

load(
    "//go:defs.bzl",
    _go_binary = "go_binary",
    _go_cross_binary = "go_cross_binary",
    _go_image = "go_image",
    _go_library = "go_library",
    _go_locked_package = "go_locked_package",
    _go_module = "go_module",
    _go_path = "go_path",
    _go_source = "go_source",
    _go_test = "go_test",
)

go_binary = _go_binary
go_cross_binary = _go_cross_binary
go_image = _go_image
go_library = _go_library
go_locked_package = _go_locked_package
go_module = _go_module
go_path = _go_path
go_source = _go_source
go_test = _go_test
