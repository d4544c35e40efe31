# Runs the tests of nix/helper with the pinned go; the test binary is the result.
{ repository, tests }:
derivation {
  name = "helper-test";
  system = builtins.currentSystem;
  outputs = [
    "out"
    "cache"
  ];
  builder = "${(import (repository + "/nix/godirect.nix") { }).packages.go}/bin/go";
  args = [
    "test"
    "-C=${tests}"
    "-o=${placeholder "out"}"
    "."
  ];
  GOCACHE = placeholder "cache";
  HOME = placeholder "cache";
  CGO_ENABLED = "0";
  GOENV = "off";
  GOPROXY = "off";
  GOTOOLCHAIN = "local";
  GOWORK = "off";
}
