//! Runs the tests that the coverage table names: `coverage TABLE [LOG…] < messages of cargo test --no-run --message-format=json`.
//!
//! Those that passed a moment ago, as the logs of cargo test say, are not run again.

use anyhow::{Context as _, Result, bail};
use std::collections::{BTreeMap, BTreeSet};
use std::io::Read as _;
use std::path::PathBuf;
use std::process::{Command, ExitCode, Stdio};
use tests::coverage::{
    Program, Proof, Suite, Test, lacks, listed, passed, passed_before, programs, read,
};

fn main() -> Result<ExitCode> {
    let mut arguments = std::env::args_os().skip(1);
    let Some(table) = arguments.next() else {
        bail!("say where the table is: coverage tests/coverage.md [LOG…] < messages of cargo");
    };
    let mut said = BTreeSet::new();
    // Without a log the shell hands on the pattern.
    for log in arguments.map(PathBuf::from).filter(|log| log.exists()) {
        let text =
            std::fs::read(&log).with_context(|| format!("{} cannot be read", log.display()))?;
        said.extend(passed_before(&String::from_utf8_lossy(&text)));
    }
    let text = std::fs::read_to_string(&table)
        .with_context(|| format!("{} cannot be read", table.display()))?;
    let mut messages = String::new();
    std::io::stdin().read_to_string(&mut messages)?;
    let programs = programs(&messages);

    let (rows, mut wrong) = read(&text);
    let mut wanted: BTreeMap<Suite, BTreeSet<String>> = BTreeMap::new();
    for (suite, path) in rows.iter().flat_map(tests::coverage::Row::tests) {
        wanted.entry(suite).or_default().insert(path);
    }
    let (mut known, mut good) = (BTreeSet::new(), BTreeSet::new());
    for (suite, names) in wanted {
        let program = programs
            .get(&suite)
            .with_context(|| format!("cargo named no program of the suite '{}'", suite.word()))?;
        let here = listed(&output(program, ["--list", "--format", "terse"])?);
        let run: Vec<&str> = names
            .intersection(&here)
            .filter(|name| !said.contains(&(suite, (*name).clone())))
            .map(String::as_str)
            .collect();
        // Without a name all would run.
        let printed = match run.as_slice() {
            [] => String::new(),
            names => output(program, ["--exact"].iter().chain(names).copied())?,
        };
        print!("{printed}");
        let of_suite = |names: BTreeSet<String>| -> BTreeSet<Test> {
            names.into_iter().map(|name| (suite, name)).collect()
        };
        known.extend(of_suite(here));
        good.extend(of_suite(names).intersection(&said).cloned());
        good.extend(of_suite(passed(&printed)));
    }
    let (mut proven, mut untestable) = (0_usize, 0_usize);
    for row in &rows {
        let lacking = lacks(row, &known, &good);
        match row.proof {
            Proof::None(_) => untestable += 1,
            Proof::Tests(_) | Proof::Missing(_) => proven += usize::from(lacking.is_empty()),
        }
        wrong.extend(lacking);
    }
    for problem in &wrong {
        println!("FAILED: {problem}");
    }
    println!(
        "rows {} proven {proven} untestable {untestable}",
        rows.len()
    );
    Ok(ExitCode::from(u8::from(!wrong.is_empty())))
}

/// What a suite prints; whether its tests pass is for the reader to see.
fn output<'a>(program: &Program, arguments: impl IntoIterator<Item = &'a str>) -> Result<String> {
    let done = Command::new(&program.path)
        .args(arguments)
        .current_dir(&program.folder)
        .stdin(Stdio::null())
        .stderr(Stdio::inherit())
        .output()
        .with_context(|| format!("{} cannot be run", program.path.display()))?;
    Ok(String::from_utf8_lossy(&done.stdout).into_owned())
}
