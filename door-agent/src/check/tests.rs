use super::*;
use std::fs;

#[tokio::test]
async fn a_pi_that_is_wired_wrongly_is_told_all_of_it_with_what_to_do() {
    let root = tempfile::tempdir().expect("a folder");
    let file = |path: &str, text: &str| {
        let path = root.path().join(path);
        fs::create_dir_all(path.parent().expect("a folder")).expect("its own folder");
        fs::write(path, text).expect("its own folder");
    };
    file("proc/device-tree/model", "Raspberry Pi 4 Model B Rev 1.4\0");
    file(
        "boot/firmware/cmdline.txt",
        "console=serial0,115200 console=tty1\n",
    );
    file("proc/mounts", "overlay / overlay rw 0 0\n");
    let state = root.path().join("state");
    let settings = format!(
        "state_dir = {state:?}\n[[door]]\nid = \"front\"\n[door.reader]\nkind = \"serial\"\ndevice = \"/dev/serial0\"\n\
         format = \"rdm6300\"\n[door.lock]\nkind = \"gpio\"\npin = 17\nactive = \"low\"\n"
    );
    let mut config = Config::parse(&settings).expect("valid");
    let machine = Machine::at(root.path());
    let mut told = Vec::new();
    let wrong = check(&config, &machine, &mut told)
        .await
        .expect("it prints");
    let told = String::from_utf8(told).expect("text");
    for part in [
        "serial line of front: the system's console",
        "wiring of front: the Pi pulls GPIO 17 low",
        "inside: nobody has said",
        "disk: ",
        "battery clock: none",
        "pairing: ",
    ] {
        assert!(told.contains(&format!("WRONG {part}")), "{part}: {told}");
    }
    // Each with a line that says what to do.
    let lines: Vec<&str> = told.lines().collect();
    let answered = lines
        .windows(2)
        .filter(|pair| pair[0].starts_with("WRONG ") && pair[1].starts_with("      "))
        .count();
    assert_eq!(u32::try_from(answered), Ok(wrong), "{told}");

    config.inside = Some(true);
    let mut told = Vec::new();
    assert_eq!(
        check(&config, &machine, &mut told)
            .await
            .expect("it prints"),
        wrong - 1
    );
}
