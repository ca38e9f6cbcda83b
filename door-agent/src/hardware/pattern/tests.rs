use super::*;

/// What is seen and heard in the first three seconds, a letter for each change with its age: G, R, Y for the lamps, `-` for
/// none, `*` for the buzzer.
fn played(player: Player, from: Span) -> String {
    let (mut now, mut text) = (from, String::new());
    loop {
        let Look { show, until } = player.look(now);
        let lamp = match (show.green, show.red) {
            (true, true) => "Y",
            (true, false) => "G",
            (false, true) => "R",
            (false, false) => "-",
        };
        let buzzer = if show.buzzer { "*" } else { "" };
        text += &format!("{}{lamp}{buzzer} ", now.0 - from.0);
        match until {
            Some(until) if until.0 - from.0 < 3_000 => {
                assert!(until > now, "it goes on");
                now = until;
            }
            Some(_) => return text + "…",
            None => return text.trim_end().to_owned(),
        }
    }
}

fn signalled(signal: Signal) -> String {
    let mut player = Player::default();
    player.signal(Signal::Identify, Span(0));
    player.signal(signal, Span(7_007));
    played(player, Span(7_007))
}

#[test]
fn each_signal_looks_as_the_table_of_reasons_says() {
    let fast: String = (0..15)
        .map(|round| format!("{}Y {}- ", round * 200, round * 200 + 100))
        .collect();
    let patterns = [
        (Signal::Welcome, "0G* 100G"),
        (Signal::WelcomeNotice, "0G 250Y 500G"),
        (Signal::Refused, "0R* 250-* 500R* 750-* 1000R 1250-"),
        (
            Signal::WrongMoment,
            "0R* 100R 200R* 250Y* 300Y 500R 750Y 1000R 1250Y 1500R 1750Y 2000R 2250Y 2500R 2750Y …",
        ),
        (Signal::SeeStaff, "0R 1000- 2000R …"),
        (Signal::DoorTrouble, &(fast + "…")),
        (Signal::Waiting, "0Y"),
        (Signal::Key, "0Y* 100Y"),
        (Signal::CloseDoor, "0Y* 1000- 2000Y* …"),
        (
            Signal::Identify,
            "0G 250R 500G 750R 1000G 1250R 1500G 1750R 2000G 2250R 2500G 2750R …",
        ),
        (Signal::Rest, "0-"),
    ];
    for (signal, pattern) in patterns {
        assert_eq!(signalled(signal), pattern, "{signal:?}");
    }
}

#[test]
fn the_siren_is_heard_over_every_signal_until_it_ends() {
    let mut player = Player::default();
    player.siren(true, Span(100));
    // Told again, it goes on.
    player.siren(true, Span(350));
    player.signal(Signal::Welcome, Span(700));
    assert_eq!(
        played(player, Span(700)),
        "0G 400G* 900G 1400G* 1900G 2400G* 2900G …"
    );
    player.siren(false, Span(750));
    assert_eq!(played(player, Span(750)), "0G* 50G");
}

#[test]
fn a_clock_that_is_read_late_or_early_is_no_fault() {
    let mut player = Player::default();
    player.signal(Signal::SeeStaff, Span(5_000));
    assert_eq!(player.look(Span(4_999)).show, Show::RED);
    let day = 86_400_000;
    let late = player.look(Span(5_000 + day + 1_001));
    assert_eq!(late.show, Show::NOTHING);
    assert_eq!(late.until, Some(Span(5_000 + day + 2_000)));
}
