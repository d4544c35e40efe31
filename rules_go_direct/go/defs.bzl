"""The rules for BUILD files."""

load("//go/private:binary.bzl", _go_binary = "go_binary")
load("//go/private:cross_binary.bzl", _go_cross_binary = "go_cross_binary")
load("//go/private:image.bzl", _go_image = "go_image")
load("//go/private:library.bzl", _go_library = "go_library")
load("//go/private:locked_package.bzl", _go_locked_package = "go_locked_package")
load("//go/private:module.bzl", _go_module = "go_module")
load("//go/private:path.bzl", _go_path = "go_path")
load("//go/private:source.bzl", _go_source = "go_source")
load("//go/private:test.bzl", _go_test = "go_test")

go_binary = _go_binary
go_cross_binary = _go_cross_binary
go_image = _go_image
go_library = _go_library
go_locked_package = _go_locked_package
go_module = _go_module
go_path = _go_path
go_source = _go_source
go_test = _go_test
