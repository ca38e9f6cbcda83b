//! The seeds of the fuzzed targets, and some thousand changes of each, through the same functions without a fuzzer.

use std::collections::BTreeSet;
use std::fs;
use std::path::PathBuf;
use std::thread;
use tests::chance::Chance;

#[path = "../fuzz/src/lib.rs"]
mod eaters;

fn folder(name: &str) -> PathBuf {
    [env!("CARGO_MANIFEST_DIR"), "fuzz", name].iter().collect()
}

/// The seeds of a target, in the order of their names.
fn seeds(target: &str) -> Vec<(String, Vec<u8>)> {
    let entries = fs::read_dir(folder("corpus").join(target)).expect("every target has seeds");
    let mut seeds: Vec<_> = entries
        .map(|entry| {
            let path = entry.expect("a file").path();
            let bytes = fs::read(&path).expect("a file");
            (path.display().to_string(), bytes)
        })
        .collect();
    seeds.sort();
    seeds
}

/// Runs one eater; if it panics, says on what.
fn eat(target: &str, seed: &str, data: &[u8]) -> bool {
    struct OnPanic<'a>(&'a str, &'a str, &'a [u8]);
    impl Drop for OnPanic<'_> {
        fn drop(&mut self) {
            if std::thread::panicking() {
                eprintln!("{} on a change of {}: {:02x?}", self.0, self.1, self.2);
            }
        }
    }
    let _told = OnPanic(target, seed, data);
    eaters::eat(target, data)
}

/// Bytes that parsers look for, and numbers at the ends of their ranges.
const TELLING: &[u8] =
    b"\x00\x01\x02\x03\x7f\x80\xff\r\n09AF\"{}[]=/\x1b\x3b\x58\x5f\x81\x82\x9f\xbf\xf6";

/// A few changes of a seed, as lines, cards and broken programs make them.
fn change(seed: &[u8], others: &[(String, Vec<u8>)], chance: &mut Chance) -> Vec<u8> {
    let mut bytes = seed.to_vec();
    for _ in 0..=chance.below(5) {
        let at = chance.below(bytes.len() + 1);
        let to = at + chance.below((bytes.len() - at).min(16) + 1);
        match chance.below(7) {
            0 => bytes.truncate(at),
            1 => drop(bytes.drain(at..to)),
            2 => bytes.insert(at, chance.one_of(TELLING)),
            3 => {
                let again = bytes[at..to].to_vec();
                bytes.splice(at..at, again);
            }
            4 => {
                let (_, other) = &others[chance.below(others.len())];
                let from = chance.below(other.len() + 1);
                bytes.splice(at.., other[from..].iter().copied());
            }
            5 => bytes[at..to].fill(chance.one_of(TELLING)),
            _ => bytes[at..to]
                .iter_mut()
                .take(1)
                .for_each(|byte| *byte ^= 1 << chance.below(8)),
        }
    }
    bytes
}

const CHANGES: usize = 700;

#[test]
fn every_eater_stands_its_seeds_and_thousands_of_changes_of_them() {
    let broken: Vec<&str> = thread::scope(|scope| {
        let eaters = eaters::TARGETS.iter().zip(0..);
        let eaters: Vec<_> = eaters
            .map(|((target, _), seed)| (*target, scope.spawn(move || eat_changes(target, seed))))
            .collect();
        let broken = eaters
            .into_iter()
            .filter_map(|(target, eater)| eater.join().is_err().then_some(target));
        broken.collect()
    });
    assert!(broken.is_empty(), "{broken:?}");
}

fn eat_changes(target: &str, seed: u64) {
    let mut chance = Chance::new(seed);
    let seeds = seeds(target);
    for (name, seed) in &seeds {
        for _ in 0..CHANGES {
            eat(target, name, &change(seed, &seeds, &mut chance));
        }
    }
    let something = seeds.iter().filter(|(name, seed)| eat(target, name, seed));
    assert!(something.count() > 0, "no seed of {target} means anything");
}

#[test]
fn every_eater_is_a_target_and_has_seeds() {
    let known: BTreeSet<String> = eaters::TARGETS
        .iter()
        .map(|(name, _)| (*name).to_owned())
        .collect();
    let manifest = fs::read_to_string(folder("Cargo.toml")).expect("a manifest");
    let (_, bins) = manifest.split_once("[[bin]]").expect("it has targets");
    let bins = bins.lines().filter_map(|line| line.strip_prefix("name = "));
    let bins: BTreeSet<String> = bins.map(|name| name.trim_matches('"').to_owned()).collect();
    assert_eq!(bins, known);
    let folders = fs::read_dir(folder("corpus")).expect("seeds");
    let folders: BTreeSet<String> = folders
        .map(|entry| {
            entry
                .expect("a folder")
                .file_name()
                .to_string_lossy()
                .into_owned()
        })
        .collect();
    assert_eq!(folders, known);
    for name in &known {
        let target = folder("targets").join(format!("{name}.rs"));
        let target = fs::read_to_string(&target).expect("a target");
        assert!(target.contains(&format!("eat(\"{name}\", data)")), "{name}");
    }
}
