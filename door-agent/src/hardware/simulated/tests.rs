use super::*;

fn at(wall: i64) -> Sources {
    Sources {
        wall: Timestamp(wall),
        uptime: Span(0),
        synchronised: true,
    }
}

#[test]
fn the_lock_rests_when_opened_and_when_dropped() {
    let folder = tempfile::tempdir().expect("a folder");
    let path = folder.path().join("lock");
    let mut lines =
        Lines::open("front".parse().expect("a name"), &path, Timestamp(1)).expect("opens");
    lines.energise(at(2)).expect("writes");
    drop(lines);
    let text = std::fs::read_to_string(&path).expect("there");
    let locks: Vec<Value> = text
        .lines()
        .map(|line| serde_json::from_str(line).expect("JSON"))
        .collect();
    let words: Vec<&Value> = locks.iter().map(|line| &line["lock"]).collect();
    assert_eq!(words, ["rest", "released", "rest"]);
}

#[test]
fn a_fifo_that_nobody_reads_holds_nobody_up() {
    let folder = tempfile::tempdir().expect("a folder");
    let path = folder.path().join("lock");
    let made = std::process::Command::new("mkfifo")
        .arg(&path)
        .status()
        .expect("coreutils are there");
    assert!(made.success());
    let mut lines =
        Lines::open("front".parse().expect("a name"), &path, Timestamp(1)).expect("opens");
    for _ in 0..5_000 {
        lines.energise(at(2)).expect("goes on");
    }
}

#[test]
fn a_listener_at_a_socket_gets_the_lines() {
    use std::io::{BufRead, BufReader};
    let folder = tempfile::tempdir().expect("a folder");
    let path = folder.path().join("lock");
    let listener = std::os::unix::net::UnixListener::bind(&path).expect("binds");
    let mut lines =
        Lines::open("front".parse().expect("a name"), &path, Timestamp(1)).expect("opens");
    lines.energise(at(2)).expect("writes");
    drop(lines);
    let (stream, _) = listener.accept().expect("the door connected");
    let got: Vec<String> = BufReader::new(stream)
        .lines()
        .map(|line| line.expect("text"))
        .collect();
    assert_eq!(got.len(), 3);
    assert_eq!(got[1], r#"{"at":2,"door":"front","lock":"released"}"#);
}

/// What a line says, in short; or what is wrong with it.
fn says(line: &str) -> String {
    let word = |input: &Input| match input {
        Input::Card { .. } => "card".to_owned(),
        Input::Key {
            key: Key::Digit(digit),
            ..
        } => digit.value().to_string(),
        Input::Key { key, .. } => format!("{key:?}"),
        Input::Exit { pressed, .. } => format!("exit {pressed}"),
        Input::Contact { open, .. } => format!("contact {open}"),
        Input::Tamper { on, .. } => format!("tamper {on}"),
        Input::Fire { on, .. } => format!("fire {on}"),
        Input::Connected
        | Input::Disconnected
        | Input::Message { .. }
        | Input::LockFault { .. }
        | Input::ReaderGone { .. }
        | Input::Local { .. }
        | Input::Tick => unreachable!("no line says it"),
    };
    match inputs(&format!("{{\"door\":\"front\",{line}}}")) {
        Ok(inputs) => inputs.iter().map(word).collect::<Vec<_>>().join(", "),
        Err(error) => error.to_string(),
    }
}

#[test]
fn a_line_says_what_a_person_does_and_nonsense_says_what_would_be_valid() {
    for (line, said) in [
        (r#""card":"04A1B2C3""#, "card"),
        (r#""key":"0""#, "0"),
        (r#""key":"4""#, "4"),
        (r#""key":"*""#, "Clear"),
        (r##""key":"#""##, "Enter"),
        (r#""exit":true"#, "exit true, exit false"),
        (r#""exit":false"#, ""),
        (r#""exit":"press""#, "exit true"),
        (r#""exit":"release""#, "exit false"),
        (r#""contact":"open""#, "contact true"),
        (r#""contact":"closed""#, "contact false"),
        (r#""tamper":"open""#, "tamper true"),
        (r#""tamper":"closed""#, "tamper false"),
        (r#""fire":"active""#, "fire true"),
        (r#""fire":"quiet""#, "fire false"),
        (r#""key":"7","contact":"open""#, "7, contact true"),
        (r#""card":"zz""#, "the card is not valid"),
        (r#""key":"+4""#, "the key is not one of 0 to 9, `*` and `#`"),
        (r#""key":"12""#, "the key is not one of 0 to 9, `*` and `#`"),
    ] {
        assert_eq!(says(line), said, "{line}");
    }
    for line in [r#""crad":"04A1B2C3""#, r#""exit":"hold""#, r#""fire":true"#] {
        let said = says(line);
        let valid = ["04A1B2C3", "\"press\"", "\"active\""];
        assert!(valid.iter().all(|word| said.contains(word)), "{said}");
    }
}

#[test]
fn the_siren_is_a_line_of_its_own() {
    let folder = tempfile::tempdir().expect("a folder");
    let path = folder.path().join("lock");
    let door = "front".parse().expect("a name");
    let mut lines = Lines::open(door, &path, Timestamp(1)).expect("opens");
    lines.siren(true, at(2)).expect("writes");
    lines.siren(false, at(3)).expect("writes");
    let text = std::fs::read_to_string(&path).expect("there");
    let wanted = [
        r#"{"at":2,"door":"front","siren":"on"}"#,
        r#"{"at":3,"door":"front","siren":"off"}"#,
    ];
    assert_eq!(text.lines().skip(1).collect::<Vec<_>>(), wanted);
}
