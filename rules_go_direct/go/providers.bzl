"""Providers for rules that work with Go packages."""

load(
    "//go/private:providers.bzl",
    _GoConfigInfo = "GoConfigInfo",
    _GoModuleInfo = "GoModuleInfo",
    _GoPackageInfo = "GoPackageInfo",
    _GoSdkInfo = "GoSdkInfo",
    _GoStdInfo = "GoStdInfo",
)

GoConfigInfo = _GoConfigInfo
GoModuleInfo = _GoModuleInfo
GoPackageInfo = _GoPackageInfo
GoSdkInfo = _GoSdkInfo
GoStdInfo = _GoStdInfo
