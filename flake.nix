# godirect itself, for `nix build` and `nix run`. Evaluating it needs nixpkgs (from the flake registry) with the Rust of rust-toolchain.toml or
# newer; the project's own tests have no nixpkgs, and check only its syntax.
{
  description = "One lock, one graph, the same bytes: drives Go's tools directly and emits Nix and Bazel builds";

  outputs =
    { self, nixpkgs }:
    let
      inherit (nixpkgs) lib;
      manifest = (builtins.fromTOML (builtins.readFile ./Cargo.toml)).package;
      systems = [
        "aarch64-darwin"
        "aarch64-linux"
        "x86_64-darwin"
        "x86_64-linux"
      ];
    in
    {
      # For `nix flake init -t`.
      templates = {
        default = self.templates.minimal;
        minimal = {
          path = ./templates/flake/minimal;
          description = "A Go module with one command";
        };
        workspace = {
          path = ./templates/flake/workspace;
          description = "A Go workspace of two modules";
        };
      };

      packages = lib.genAttrs systems (system: {
        default = nixpkgs.legacyPackages.${system}.rustPlatform.buildRustPackage {
          pname = manifest.name;
          inherit (manifest) version;
          # What the program is made of, and nothing that only tests read.
          src = lib.fileset.toSource {
            root = ./.;
            fileset = lib.fileset.unions [
              ./Cargo.lock
              ./Cargo.toml
              ./src
              ./templates
            ];
          };
          cargoLock.lockFile = ./Cargo.lock;
          # They need the network, Nix and Bazel: tests/run.
          doCheck = false;
          meta = {
            inherit (manifest) description;
            license = with lib.licenses; [
              asl20
              mit
            ];
            mainProgram = manifest.name;
          };
        };
      });
    };
}
