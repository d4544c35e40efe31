"""Rules that declare SDKs and toolchains; the extension's repositories use them."""

load("//go/private:config.bzl", _go_missing_toolchain = "go_missing_toolchain", _go_toolchain = "go_toolchain")
load("//go/private:sdk.bzl", _go_sdk = "go_sdk")
load("//go/private:sdk_source.bzl", _go_sdk_from_source = "go_sdk_from_source")

go_missing_toolchain = _go_missing_toolchain
go_sdk = _go_sdk
go_sdk_from_source = _go_sdk_from_source
go_toolchain = _go_toolchain
