//! The programs' commands beside serving: what is asked of them, what they answer, and whether a script can tell.

use crate::program::built;
use crate::server::Server;
use crate::wait;
use std::path::Path;
use std::process::Output;

fn goodstanding(data: &Path, words: &[&str], settings: &[(&str, &str)]) -> Output {
    let mut command = built("goodstanding");
    command.args(words).env("DATA_DIR", data);
    command.envs(settings.iter().copied());
    command.output().expect("it runs")
}

/// Checks that a command failed, and what it said.
fn fails(output: &Output, says: &str) {
    let said = String::from_utf8_lossy(&output.stderr);
    assert!(!output.status.success(), "{output:?}");
    assert!(said.contains(says), "{says}: {said}");
}

#[test]
fn only_the_server_founds_a_club() {
    let folder = wait::scratch();
    let data = folder.path().join("data");
    for words in [
        &["explain", "1"][..],
        &["reconcile"],
        &["replay"],
        &["new-epoch"],
    ] {
        fails(&goodstanding(&data, words, &[]), "there is no club in");
    }
    let checked = goodstanding(&data, &["check"], &[]);
    let said = String::from_utf8_lossy(&checked.stdout);
    assert!(
        checked.status.success() && said.contains("none in"),
        "{said}"
    );
    assert!(!data.exists());
}

#[test]
fn a_question_that_has_no_answer_fails_with_the_reason() {
    let folder = wait::scratch();
    let data = folder.path().join("data");
    let mut server = Server::new(folder.path(), &[]);
    server.start();
    let explain = |words: &[&str]| goodstanding(&data, &[&["explain"], words].concat(), &[]);
    fails(&explain(&["7"]), "there is no member 7");
    fails(
        &explain(&["7", "--at", "2999-01-01T00:00:00Z"]),
        "a moment that has passed",
    );
    let nowhere = [
        ("STRIPE_SECRET_KEY", "sk_test_of_nobody"),
        ("STRIPE_API_BASE", "http://127.0.0.1:9"),
    ];
    fails(
        &goodstanding(&data, &["check"], &nowhere),
        "Stripe cannot be read",
    );
    assert!(goodstanding(&data, &["check"], &[]).status.success());
}
