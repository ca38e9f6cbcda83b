//! The coverage table: every row of what Stripe can say, and the tests that prove it.

use serde_json::Value;
use std::collections::{BTreeMap, BTreeSet};
use std::path::PathBuf;

/// How many rows each table has: states, events, cases.
pub const TABLES: [(char, usize); 5] = [('S', 22), ('E', 63), ('C', 54), ('D', 14), ('A', 9)];
/// The ways in which each scenario is told.
const WAYS: [&str; 3] = ["with_webhook_and_key", "with_webhook_only", "with_pull"];

/// Where a test is compiled into.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Suite {
    /// Stories of the whole building.
    Scenarios,
    /// The most tangled cases in every order.
    Orders,
    /// The server's interface.
    Api,
    /// The built binaries.
    Real,
    /// Unit tests of the server.
    Server,
    /// Unit tests of the rules.
    Shared,
    /// Unit tests of the door agent.
    DoorAgent,
    /// The built agent alone.
    Binary,
}

impl Suite {
    const ALL: [Self; 8] = [
        Self::Scenarios,
        Self::Orders,
        Self::Api,
        Self::Real,
        Self::Server,
        Self::Shared,
        Self::DoorAgent,
        Self::Binary,
    ];

    /// The word in the table, which is the name of cargo's target as well.
    #[must_use]
    pub fn word(self) -> &'static str {
        match self {
            Self::Scenarios => "scenarios",
            Self::Orders => "orders",
            Self::Api => "api",
            Self::Real => "real",
            Self::Server => "server",
            Self::Shared => "shared",
            Self::DoorAgent => "door_agent",
            Self::Binary => "binary",
        }
    }

    fn kind(self) -> &'static str {
        match self {
            Self::Scenarios | Self::Orders | Self::Api | Self::Real | Self::Binary => "test",
            Self::Server | Self::Shared | Self::DoorAgent => "lib",
        }
    }
}

/// A test by its suite and its path in it.
pub type Test = (Suite, String);

/// One row of the table.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Row {
    /// `S1`, `E1`, `C1` and so on.
    pub number: String,
    /// What proves it.
    pub proof: Proof,
}

/// What proves a row.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Proof {
    /// These tests.
    Tests(Vec<Test>),
    /// No test can, for this reason; what is done instead is said there.
    None(String),
    /// No test does yet, for this reason.
    Missing(String),
}

impl Row {
    /// Every test that has to pass: a scenario is told in all ways.
    pub fn tests(&self) -> impl Iterator<Item = Test> {
        let named: &[Test] = match &self.proof {
            Proof::Tests(tests) => tests,
            Proof::None(_) | Proof::Missing(_) => &[],
        };
        named.iter().flat_map(|(suite, path)| {
            let ways: &[&str] = match suite {
                Suite::Scenarios => &WAYS,
                Suite::Orders
                | Suite::Api
                | Suite::Real
                | Suite::Server
                | Suite::Shared
                | Suite::DoorAgent
                | Suite::Binary => &[],
            };
            let told = ways.iter().map(move |way| format!("{path}::{way}"));
            let alone = ways.is_empty().then(|| path.clone());
            told.chain(alone).map(|path| (*suite, path))
        })
    }
}

/// Reads the rows, and says what is wrong with the table itself.
#[must_use]
pub fn read(text: &str) -> (Vec<Row>, Vec<String>) {
    let (mut rows, mut wrong) = (Vec::new(), Vec::new());
    for line in text.lines().filter(|line| line.starts_with('|')) {
        let cells: Vec<&str> = line.trim_matches('|').split('|').map(str::trim).collect();
        match cells.as_slice() {
            ["number", ..] => {}
            [dashes, ..] if dashes.starts_with('-') => {}
            [number, what, proof] if !what.is_empty() => match proof_of(proof) {
                Ok(proof) => rows.push(Row {
                    number: (*number).to_owned(),
                    proof,
                }),
                Err(problem) => wrong.push(format!("{number}: {problem}")),
            },
            _ => wrong.push(format!("no row of three cells: {line}")),
        }
    }
    let expected = TABLES.iter().flat_map(|(letter, count)| {
        let numbers = 1..=*count;
        numbers.map(move |number| format!("{letter}{number}"))
    });
    let found: Vec<&str> = rows.iter().map(|row| row.number.as_str()).collect();
    let expected: Vec<String> = expected.collect();
    for number in &expected {
        match found.iter().filter(|found| *found == number).count() {
            1 => {}
            count => wrong.push(format!("{number}: there are {count} rows of it")),
        }
    }
    for number in found {
        if !expected.iter().any(|expected| expected == number) {
            wrong.push(format!("{number}: no such row is expected"));
        }
    }
    (rows, wrong)
}

fn proof_of(cell: &str) -> Result<Proof, String> {
    for (word, proof) in [
        ("missing", Proof::Missing as fn(String) -> Proof),
        ("none", Proof::None),
    ] {
        if let Some(why) = cell.strip_prefix(word) {
            let why = why.trim_start_matches([':', ' ']);
            if why.is_empty() {
                return Err(format!("{word}, and it is not said why"));
            }
            return Ok(proof(why.to_owned()));
        }
    }
    let tests = cell.split(',').map(|test| {
        let named = test.trim().split_once(' ').and_then(|(word, path)| {
            let suite = Suite::ALL.into_iter().find(|suite| suite.word() == word)?;
            Some((suite, path.to_owned()))
        });
        named.ok_or_else(|| format!("'{}' names no suite and test", test.trim()))
    });
    tests.collect::<Result<_, _>>().map(Proof::Tests)
}

/// A compiled suite.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Program {
    /// The executable.
    pub path: PathBuf,
    /// Where cargo would run it.
    pub folder: PathBuf,
}

/// Finds the suites in what `cargo test --no-run --message-format=json` wrote.
#[must_use]
pub fn programs(messages: &str) -> BTreeMap<Suite, Program> {
    let messages = messages
        .lines()
        .filter_map(|line| serde_json::from_str::<Value>(line).ok());
    let found = messages.filter_map(|message| {
        let text = |pointer: &str| message.pointer(pointer).and_then(Value::as_str);
        let suite = Suite::ALL.into_iter().find(|suite| {
            text("/target/name") == Some(suite.word())
                && text("/target/kind/0") == Some(suite.kind())
        })?;
        let manifest = PathBuf::from(text("/manifest_path")?);
        let program = Program {
            path: PathBuf::from(text("/executable")?),
            folder: manifest.parent()?.to_owned(),
        };
        Some((suite, program))
    });
    found.collect()
}

/// The tests that a suite has, from its `--list --format terse`.
#[must_use]
pub fn listed(output: &str) -> BTreeSet<String> {
    let names = output
        .lines()
        .filter_map(|line| line.strip_suffix(": test"));
    names.map(str::to_owned).collect()
}

/// The tests that passed, from what a run printed.
#[must_use]
pub fn passed(output: &str) -> BTreeSet<String> {
    let names = output
        .lines()
        .filter_map(|line| line.strip_prefix("test ")?.strip_suffix(" ... ok"));
    // A test that is meant to panic says so behind its name.
    names
        .map(|name| name.trim_end_matches(" - should panic").to_owned())
        .collect()
}

/// The tests that passed, from what cargo printed of several suites, one after the other.
#[must_use]
pub fn passed_before(log: &str) -> BTreeSet<Test> {
    let mut found = BTreeSet::new();
    // `Running unittests src/lib.rs (target/debug/deps/server-0123456789abcdef)`
    for part in log.split("     Running ").skip(1) {
        let (which, printed) = part.split_once('\n').unwrap_or((part, ""));
        let program = which.rsplit(['/', ')']).nth(1).unwrap_or_default();
        let name = program.rsplit_once('-').map_or("", |(name, _)| name);
        let kind = if which.starts_with("unittests src/lib.rs ") {
            "lib"
        } else {
            "test"
        };
        let named = |suite: &Suite| suite.word() == name && suite.kind() == kind;
        if let Some(suite) = Suite::ALL.into_iter().find(named) {
            found.extend(passed(printed).into_iter().map(|name| (suite, name)));
        }
    }
    found
}

/// What a row lacks, given all tests there are and those that passed; nothing if it is proven.
#[must_use]
pub fn lacks(row: &Row, known: &BTreeSet<Test>, passed: &BTreeSet<Test>) -> Vec<String> {
    if let Proof::Missing(why) = &row.proof {
        return vec![format!("{}: missing: {why}", row.number)];
    }
    let failing = row.tests().filter(|test| !passed.contains(test));
    failing
        .map(|test| {
            let what = if known.contains(&test) {
                "did not pass"
            } else {
                "is no test"
            };
            format!("{}: {} {} {what}", row.number, test.0.word(), test.1)
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn table() -> String {
        let rows = TABLES.iter().flat_map(|(letter, count)| {
            (1..=*count)
                .map(move |number| format!("| {letter}{number} | what | shared a::b, api c::d |\n"))
        });
        format!(
            "# words\n\n| number | what | proof |\n|---|---|---|\n{}",
            rows.collect::<String>()
        )
    }

    #[test]
    fn a_whole_table_has_nothing_wrong() {
        let (rows, wrong) = read(&table());
        assert_eq!((rows.len(), wrong), (162, vec![]));
        let tests: Vec<Test> = rows[0].tests().collect();
        assert_eq!(
            tests,
            [
                (Suite::Shared, "a::b".to_owned()),
                (Suite::Api, "c::d".to_owned())
            ]
        );
    }

    #[test]
    fn a_row_lost_doubled_invented_or_spoilt_is_named() {
        let spoilt = [
            ("| E7 |", "| E7a |", vec!["E7: there are 0", "E7a: no such"]),
            (
                "| E7 |",
                "| E8 |",
                vec!["E7: there are 0", "E8: there are 2"],
            ),
            (
                "| C54 | what | shared a::b",
                "| C54 | what | elsewhere a::b",
                vec!["C54: 'elsewhere a::b'", "C54: there are 0"],
            ),
            (
                "| S1 | what | shared a::b, api c::d",
                "| S1 | what | missing",
                vec!["S1: missing, and", "S1: there are 0"],
            ),
        ];
        for (from, to, named) in spoilt {
            let (_, wrong) = read(&table().replace(from, to));
            assert_eq!(wrong.len(), named.len(), "{wrong:?}");
            assert!(
                wrong
                    .iter()
                    .zip(&named)
                    .all(|(is, should)| is.starts_with(should)),
                "{wrong:?}"
            );
        }
    }

    #[test]
    fn a_scenario_is_proven_only_in_all_three_ways() {
        let (rows, _) = read(
            "| S1 | what | scenarios paying::x |\n| S2 | what | missing: not built |\n| S3 | what | none: needs a lathe |",
        );
        let told: BTreeSet<Test> = rows[0].tests().collect();
        assert_eq!(told.len(), 3);
        assert_eq!(lacks(&rows[0], &told, &told), [""; 0]);
        let mut some = told.clone();
        some.remove(&(Suite::Scenarios, "paying::x::with_pull".to_owned()));
        assert_eq!(
            lacks(&rows[0], &told, &some),
            ["S1: scenarios paying::x::with_pull did not pass"]
        );
        assert_eq!(
            lacks(&rows[0], &some, &some),
            ["S1: scenarios paying::x::with_pull is no test"]
        );
        assert_eq!(lacks(&rows[1], &told, &told), ["S2: missing: not built"]);
        assert_eq!(rows[2].proof, Proof::None("needs a lathe".to_owned()));
        assert_eq!(lacks(&rows[2], &told, &told), [""; 0]);
    }

    #[test]
    fn what_the_programs_print_is_read() {
        let list = "a::b: test\nc: benchmark\nd: test\n";
        assert_eq!(
            listed(list),
            BTreeSet::from(["a::b".to_owned(), "d".to_owned()])
        );
        let run = "running 3 tests\ntest a::b ... ok\ntest d ... FAILED\ntest e ... ignored\ntest f - should panic ... ok\n";
        assert_eq!(
            passed(run),
            BTreeSet::from(["a::b".to_owned(), "f".to_owned()])
        );
    }

    #[test]
    fn what_passed_before_is_known_by_its_suite() {
        let log = "   Compiling server\n     Running unittests src/lib.rs (target/debug/deps/door_agent-0f)\ntest a::b ... ok\n\
                   test c ... FAILED\n     Running unittests src/main.rs (target/debug/deps/door_agent-1f)\ntest d ... ok\n     \
                   Running tests/scenarios/main.rs (target/debug/deps/scenarios-2f)\ntest e ... ok\n";
        let found: Vec<Test> = passed_before(log).into_iter().collect();
        assert_eq!(
            found,
            [
                (Suite::Scenarios, "e".to_owned()),
                (Suite::DoorAgent, "a::b".to_owned()),
            ]
        );
    }

    #[test]
    fn a_unit_test_program_is_not_taken_for_the_library() {
        let messages = r#"{"reason":"compiler-artifact","target":{"name":"server","kind":["lib"]},"executable":null,"manifest_path":"/w/server/Cargo.toml"}
{"reason":"compiler-artifact","target":{"name":"server","kind":["lib"]},"executable":"/t/server-1","manifest_path":"/w/server/Cargo.toml"}
{"reason":"compiler-artifact","target":{"name":"scenarios","kind":["test"]},"executable":"/t/scenarios-1","manifest_path":"/w/tests/Cargo.toml"}
{"reason":"build-finished","success":true}"#;
        let found = programs(messages);
        assert_eq!(found.len(), 2);
        assert_eq!(found[&Suite::Server].path, PathBuf::from("/t/server-1"));
        assert_eq!(found[&Suite::Scenarios].folder, PathBuf::from("/w/tests"));
    }
}
