//! The command `godirect`.

fn main() -> std::process::ExitCode {
    godirect::cli::run()
}
