//! Prints the benches' rows: `bench [--quick] [NAME…]`.

use clap::Parser;
use std::io::IsTerminal as _;
use std::process::ExitCode;

/// Measures the server and the agent against floors and prints `name value unit limit ratio` for each row.
#[derive(Parser)]
struct Cli {
    /// Less of everything: each row within a minute.
    #[arg(long)]
    quick: bool,
    /// Rows to measure; all without.
    names: Vec<String>,
}

fn main() -> ExitCode {
    let cli = Cli::parse();
    tracing_subscriber::fmt()
        .with_env_filter("error")
        .with_ansi(std::io::stderr().is_terminal())
        .with_writer(std::io::stderr)
        .init();
    match tests::bench::run(&cli.names, tests::bench::Effort { quick: cli.quick }) {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            tracing::error!("{error:#}");
            ExitCode::FAILURE
        }
    }
}
