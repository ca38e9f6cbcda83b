//! What `shared` is built from, held to a list: a crate that can read a clock, a file or a socket cannot get in unseen.

use std::collections::BTreeSet;

/// Every crate in the normal dependency tree, with what it is there for. None does I/O, keeps time, starts a runtime or writes logs.
const ALLOWED: &[(&str, &str)] = &[
    // What the manifest names.
    ("coset", "COSE envelopes"),
    ("ed25519-dalek", "signatures"),
    ("hmac", "card tokens"),
    ("hpke", "sealed boxes"),
    ("jiff", "civil time, without clock and zone files"),
    ("minicbor", "CBOR bodies"),
    (
        "rand_core",
        "the interface of the randomness a caller hands in",
    ),
    ("serde", "configuration and JSON"),
    ("sha2", "digests"),
    ("thiserror", "error enums"),
    ("zeroize", "secrets leave memory"),
    // What those bring along: cryptography.
    ("aead", "hpke"),
    ("block-buffer", "sha2"),
    ("chacha20", "hpke"),
    ("chacha20poly1305", "hpke"),
    ("cipher", "hpke"),
    ("cmov", "constant-time code"),
    ("crypto-common", "the RustCrypto interfaces"),
    ("ctutils", "constant-time code"),
    ("curve25519-dalek", "ed25519-dalek, hpke"),
    ("digest", "the RustCrypto interfaces"),
    ("ed25519", "ed25519-dalek"),
    ("hkdf", "hpke"),
    ("hybrid-array", "the RustCrypto interfaces"),
    ("inout", "hpke"),
    ("poly1305", "hpke"),
    ("signature", "ed25519-dalek"),
    ("subtle", "constant-time code"),
    ("typenum", "the RustCrypto interfaces"),
    ("universal-hash", "hpke"),
    ("x25519-dalek", "hpke"),
    // What those bring along: data.
    ("cfg-if", "conditional compilation"),
    ("ciborium", "coset"),
    ("ciborium-io", "coset; traits over byte slices"),
    ("ciborium-ll", "coset"),
    ("half", "ciborium"),
    ("jiff-core", "jiff"),
    ("serde_core", "serde"),
    ("zerocopy", "half"),
    // Asks the processor what it can do; on ARM through the C library's `getauxval`.
    ("cpufeatures", "sha2, curve25519-dalek"),
    ("libc", "cpufeatures on ARM"),
    // At compile time only.
    ("curve25519-dalek-derive", "compile time"),
    ("minicbor-derive", "compile time"),
    ("proc-macro2", "compile time"),
    ("quote", "compile time"),
    ("serde_derive", "compile time"),
    ("syn", "compile time"),
    ("thiserror-impl", "compile time"),
    ("unicode-ident", "compile time"),
    ("zerocopy-derive", "compile time"),
    ("zeroize_derive", "compile time"),
];

#[test]
fn no_crate_enters_the_tree_of_shared_unseen() {
    let allowed: BTreeSet<&str> = ALLOWED.iter().map(|(name, _)| *name).collect();
    let newcomers: Vec<String> = dependency_tree()
        .into_iter()
        .filter(|name| !allowed.contains(name.as_str()))
        .collect();
    assert!(
        newcomers.is_empty(),
        "new in the dependency tree of `shared`: {}.\n\
         `shared` decides who gets in, on the server, at a door and in a test, so it must give the same answer everywhere: no I/O, no clock, \
         no randomness of its own, no runtime, no network, no logging. If the newcomer is free of all that, add it to ALLOWED with what it is for; \
         otherwise use it in `server` or `door-agent` and hand its result in as an argument. `cargo tree -p shared -e normal -i NAME` tells who brings it.",
        newcomers.join(", ")
    );
}

#[test]
fn every_allowed_crate_is_still_in_the_tree_of_shared() {
    let tree = dependency_tree();
    let gone: Vec<&str> = ALLOWED
        .iter()
        .map(|(name, _)| *name)
        .filter(|name| *name != "libc" && !tree.contains(*name))
        .collect();
    assert!(
        gone.is_empty(),
        "no longer in the dependency tree of `shared`, so take it off ALLOWED: {}",
        gone.join(", ")
    );
}

/// Names of all crates that `shared` pulls in by itself, on this machine's platform, build and test dependencies left out.
///
/// `cargo tree -p` and not `cargo metadata`: the latter adds what the features chosen by `server` would bring.
fn dependency_tree() -> BTreeSet<String> {
    #[expect(
        clippy::disallowed_types,
        reason = "only cargo knows the dependency tree"
    )]
    let output = std::process::Command::new(env!("CARGO"))
        .args(["tree", "--offline", "--package", "shared"])
        .args(["--edges", "normal", "--prefix", "none", "--format", "{p}"])
        .current_dir(env!("CARGO_MANIFEST_DIR"))
        .output()
        .expect("the cargo that built this test can be started");
    assert!(
        output.status.success(),
        "cargo tree failed: {}",
        String::from_utf8_lossy(&output.stderr)
    );
    let names: BTreeSet<String> = String::from_utf8(output.stdout)
        .expect("crate names are ASCII")
        .lines()
        .filter_map(|line| line.split_whitespace().next())
        .filter(|name| *name != "shared")
        .map(str::to_owned)
        .collect();
    assert!(!names.is_empty(), "cargo tree printed no dependency");
    names
}
