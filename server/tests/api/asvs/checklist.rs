//! `server/ASVS.md` against the tests and files that there are.

use std::collections::BTreeSet;
use std::path::Path;

/// Requirements of levels 1 and 2 in the chapters 1 to 16 of ASVS 5.0.
const REQUIREMENTS: usize = 246;

/// What a row says is not so.
fn flaw(evidence: &str) -> Option<String> {
    for missing in ["*not applicable*: ", "*missing*: "] {
        if let Some(why) = evidence.strip_prefix(missing) {
            return why.is_empty().then(|| "says no reason".to_owned());
        }
    }
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("..");
    for one in evidence.split(", ") {
        let Some(named) = one.strip_prefix('`').and_then(|one| one.strip_suffix('`')) else {
            return Some(format!("names no test and no file: {one}"));
        };
        let (file, test) = match named.split_once(": ") {
            Some((file, test)) => (file, Some(test)),
            None => (named, None),
        };
        let Ok(text) = std::fs::read_to_string(root.join(file)) else {
            return Some(format!("there is no file {file}"));
        };
        if let Some(test) = test
            && !is_test(&text, test)
        {
            return Some(format!("there is no test {test} in {file}"));
        }
    }
    None
}

/// Whether there is a test of this name, also one that a macro makes of stories.
fn is_test(text: &str, name: &str) -> bool {
    let Some(start) = text.find(&format!("fn {name}(")) else {
        return false;
    };
    let before = text[..start]
        .trim_end()
        .trim_end_matches("async")
        .trim_end();
    before.ends_with("#[test]")
        || before.ends_with("#[tokio::test]")
        || text[start..].starts_with(&format!("fn {name}(way: WayIn)"))
}

#[test]
fn every_requirement_is_there_once_and_what_it_names_exists() {
    let text = include_str!("../../../ASVS.md");
    let rows = text
        .lines()
        .filter(|line| line.starts_with("| ") && !line.starts_with("| number"));
    let (mut numbers, mut flaws) = (BTreeSet::new(), Vec::new());
    for row in rows {
        let cells: Vec<&str> = row.trim_matches(['|', ' ']).split(" | ").collect();
        let [number, _, evidence] = cells[..] else {
            panic!("three cells: {row}");
        };
        assert!(numbers.insert(number), "{number} is there twice");
        flaws.extend(flaw(evidence).map(|flaw| format!("{number}: {flaw}")));
    }
    assert!(flaws.is_empty(), "{flaws:#?}");
    assert_eq!(numbers.len(), REQUIREMENTS);
}

#[test]
fn what_is_not_there_is_found() {
    for evidence in [
        "",
        "`server/src/nothing.rs`",
        "`server/ASVS.md: nothing`",
        "`server/tests/api/asvs/checklist.rs: flaw`",
        "*missing*: ",
    ] {
        assert!(flaw(evidence).is_some(), "{evidence}");
    }
    let name = "server/tests/api/asvs/checklist.rs: what_is_not_there_is_found";
    assert_eq!(flaw(&format!("`{name}`, `server/ASVS.md`")), None);
}
