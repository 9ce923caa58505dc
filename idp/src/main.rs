//! The `stepgate` command.

fn main() -> std::process::ExitCode {
    stepgate::cli::main()
}
