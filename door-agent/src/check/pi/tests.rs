use super::*;
use crate::config::Chip;
use tempfile::TempDir;

const CMDLINE: &str = "console=serial0,115200 console=tty1 root=PARTUUID=4e639091-02 rootfstype=ext4 fsck.repair=yes rootwait\n";
const MOUNTS: &str = "/dev/mmcblk0p2 / ext4 rw,noatime 0 0\ntmpfs /run tmpfs rw,nosuid 0 0\n";

/// A Pi made of files.
struct Made(TempDir);

impl Made {
    /// As the imager leaves a Pi of this model: `serial0` names this device, and the serial line is not switched on.
    fn new(model: &str, serial0: &str) -> Self {
        let made = Self(tempfile::tempdir().expect("a folder"));
        made.file("/proc/device-tree/model", &format!("{model}\0"));
        made.file(
            "/boot/firmware/config.txt",
            "# For more options see\ndtparam=audio=on\n[all]\n",
        );
        made.file("/boot/firmware/cmdline.txt", "console=tty1 rootwait\n");
        made.file("/proc/mounts", MOUNTS);
        made.file("/dev/tty1", "");
        fs::create_dir_all(made.0.path().join("var/lib/door-agent")).expect("its own folder");
        std::os::unix::fs::symlink(serial0, made.0.path().join("dev/serial0"))
            .expect("its own folder");
        made
    }

    fn file(&self, path: &str, text: &str) {
        let path = self.0.path().join(&path[1..]);
        fs::create_dir_all(path.parent().expect("a folder")).expect("its own folder");
        fs::write(path, text).expect("its own folder");
    }

    fn config(&self, line: &str) {
        self.file(
            "/boot/firmware/config.txt",
            &format!("# {line}x\n[all]\n  {line}\n"),
        );
    }

    fn machine(&self) -> Machine {
        Machine::at(self.0.path())
    }

    fn serial(&self, device: &str) -> Option<Found> {
        serial_line(&self.machine(), Path::new(device))
    }
}

fn pi_4() -> Made {
    let made = Made::new("Raspberry Pi 4 Model B Rev 1.4", "ttyS0");
    made.file("/dev/ttyS0", "");
    made
}

/// What to do about it; none if nothing is wrong.
fn fix(found: &Found) -> Option<&str> {
    match found {
        Found::Bad { to_do, .. } => Some(to_do),
        Found::Good(_) | Found::Note { .. } => None,
    }
}

fn lock(machine: &Machine, pin: u32, active: Level) -> Found {
    boot_level(machine, Relay { pin, active }, Follows::Lock)
}

#[test]
fn a_relay_must_rest_at_the_level_that_the_pi_gives_its_pin_from_power_on() {
    let machine = pi_4().machine();
    for pin in 2..=27 {
        let high = fix(&lock(&machine, pin, Level::High)).is_none();
        let low = fix(&lock(&machine, pin, Level::Low)).is_none();
        assert_eq!((high, low), (pin >= 9, pin <= 8), "GPIO {pin}");
    }
    let found = lock(&machine, 17, Level::Low);
    let Found::Bad { what, .. } = &found else {
        panic!("{found:?}");
    };
    assert!(what.contains("stands open at every start"), "{what}");
}

#[test]
fn the_line_by_which_the_firmware_holds_the_relay_is_named_until_it_is_there() {
    let made = pi_4();
    let said = |made: &Made| match lock(&made.machine(), 17, Level::High) {
        Found::Good(text) => text,
        found @ (Found::Note { .. } | Found::Bad { .. }) => panic!("{found:?}"),
    };
    assert!(said(&made).contains("`gpio=17=op,dl` in /boot/firmware/config.txt"));
    made.config("gpio=17=op,dl");
    assert!(said(&made).ends_with("driven by the firmware"));
}

#[test]
fn a_firmware_that_sets_the_relays_pin_otherwise_is_found_in_lists_and_ranges_and_by_what_stands_last()
 {
    let (rests, nothing) = (Firmware::Rests, Firmware::Nothing);
    let other = Firmware::Otherwise;
    for (config, wanted) in [
        ("", &nothing),
        ("gpio=17=op,dl", &rests),
        ("gpio=17,27=op,dl", &rests),
        ("gpio=4,16-18=op,dl", &rests),
        ("gpio=17=op,pd,dl", &rests),
        ("gpio=16,18-20=op,dh", &nothing),
        ("gpio=17=pd", &nothing),
        ("gpio=17=ip,pd", &nothing),
        ("gpio=17=op,dh", &other("gpio=17=op,dh")),
        ("gpio=17,27=op,dh", &other("gpio=17,27=op,dh")),
        ("gpio=6-18=op,dh", &other("gpio=6-18=op,dh")),
        ("gpio=17=op", &other("gpio=17=op")),
        ("gpio=17=pu", &other("gpio=17=pu")),
        ("gpio=17=ip,pn", &other("gpio=17=ip,pn")),
        ("gpio=0-27=a2", &other("gpio=0-27=a2")),
        ("gpio=0-27=a2\ngpio=17=op,dl", &rests),
        ("gpio=17=op,dl\ngpio=17=dh", &other("gpio=17=dh")),
        ("#gpio=17=op,dh", &nothing),
    ] {
        assert_eq!(firmware(config, 17, false), *wanted, "{config}");
    }
    assert_eq!(firmware("gpio=6=op,dh", 6, true), rests);
    let made = pi_4();
    made.config("gpio=17=op,dh");
    let found = lock(&made.machine(), 17, Level::High);
    assert!(
        fix(&found).is_some_and(|fix| fix.ends_with("write `gpio=17=op,dl`")),
        "{found:?}"
    );
}

#[test]
fn a_console_on_the_readers_line_is_found_by_either_name_with_the_command_that_takes_it_away() {
    let made = pi_4();
    made.config("enable_uart=1\n  dtoverlay=disable-bt");
    assert_eq!(
        fix(&made.serial("/dev/serial0").expect("the header's")),
        None
    );
    for (line, word) in [
        (CMDLINE, "console=serial0,115200"),
        ("console=ttyS0,9600 rootwait\n", "console=ttyS0,9600"),
        ("rootwait console=ttyS0\n", "console=ttyS0"),
    ] {
        made.file("/boot/firmware/cmdline.txt", line);
        for device in ["/dev/serial0", "/dev/ttyS0"] {
            let found = made.serial(device).expect("the header's");
            let wanted =
                format!("sudo sed -i 's/{word} *//' /boot/firmware/cmdline.txt && sudo reboot");
            assert_eq!(fix(&found), Some(&*wanted));
        }
    }
    // The command does it.
    made.file("/boot/firmware/cmdline.txt", CMDLINE);
    let file = made.0.path().join("boot/firmware/cmdline.txt");
    let sed = std::process::Command::new("sed")
        .args(["-i", "s/console=serial0,115200 *//"])
        .arg(&file)
        .status();
    assert!(sed.expect("sed is there").success());
    assert_eq!(
        fix(&made.serial("/dev/serial0").expect("the header's")),
        None
    );
    assert!(
        fs::read_to_string(file)
            .expect("there")
            .starts_with("console=tty1 root=")
    );
    // Another line is nobody's business here.
    assert_eq!(made.serial("/dev/ttyUSB0"), None);
}

#[test]
fn a_login_on_the_readers_line_is_found() {
    let made = pi_4();
    made.config("enable_uart=1\n  dtoverlay=disable-bt");
    made.file(
        "/etc/systemd/system/getty.target.wants/serial-getty@ttyS0.service",
        "",
    );
    let found = made.serial("/dev/serial0").expect("the header's");
    assert_eq!(
        fix(&found),
        Some("sudo systemctl disable --now serial-getty@ttyS0.service")
    );
}

#[test]
fn bluetooth_on_the_good_line_is_found_on_the_models_that_have_it() {
    let fixed = "echo dtoverlay=disable-bt | sudo tee -a /boot/firmware/config.txt && sudo reboot";
    let made = pi_4();
    made.config("enable_uart=1");
    for device in ["/dev/serial0", "/dev/ttyAMA0"] {
        assert_eq!(
            fix(&made.serial(device).expect("the header's")),
            Some(fixed),
            "{device}"
        );
    }
    made.config("enable_uart=1\n  dtoverlay=disable-bt");
    assert_eq!(
        fix(&made.serial("/dev/serial0").expect("the header's")),
        None
    );
    let plain = Made::new("Raspberry Pi 2 Model B Rev 1.1", "ttyAMA0");
    plain.config("enable_uart=1");
    assert_eq!(
        fix(&plain.serial("/dev/serial0").expect("the header's")),
        None
    );
}

#[test]
fn a_line_that_is_not_switched_on_is_found_and_the_pi_5_has_its_own_way() {
    let made = Made::new("Raspberry Pi 3 Model B Plus Rev 1.3", "ttyS0");
    let found = made.serial("/dev/serial0").expect("the header's");
    assert!(
        fix(&found)
            .expect("off")
            .starts_with("echo enable_uart=1 | ")
    );

    let made = Made::new("Raspberry Pi 5 Model B Rev 1.0", "ttyAMA10");
    let found = made.serial("/dev/serial0").expect("the header's");
    assert!(
        fix(&found)
            .expect("the wrong plug")
            .contains("/dev/ttyAMA0")
    );
    let found = made.serial("/dev/ttyAMA0").expect("the header's");
    assert!(
        fix(&found)
            .expect("off")
            .starts_with("echo dtparam=uart0=on | ")
    );
    made.config("dtparam=uart0=on");
    assert_eq!(
        fix(&made.serial("/dev/ttyAMA0").expect("the header's")),
        None
    );
}

#[test]
fn a_pi_without_a_battery_clock_is_told_to_get_one_or_to_look_at_its_wires() {
    let made = pi_4();
    let found = battery_clock(&made.machine());
    assert!(fix(&found).expect("none").starts_with("fit a DS3231"));
    made.config("dtoverlay=i2c-rtc,ds3231");
    let found = battery_clock(&made.machine());
    assert!(fix(&found).expect("none").contains("does not answer"));
    made.file("/sys/class/rtc/rtc0/name", "rtc-ds1307 1-0068\n");
    assert_eq!(fix(&battery_clock(&made.machine())), None);
}

#[test]
fn a_door_that_uses_the_lines_of_the_battery_clock_is_found() {
    let made = pi_4();
    let pins = |red| Pins {
        chip: Chip::Header,
        lock: Relay {
            pin: 17,
            active: Level::High,
        },
        relay: None,
        green: None,
        red: Some(red),
        buzzer: None,
        inputs: Inputs::default(),
    };
    assert_eq!(clock_pins(&made.machine(), &pins(3)), None);
    made.config("dtoverlay=i2c-rtc,ds3231");
    let found = clock_pins(&made.machine(), &pins(3));
    assert!(
        matches!(&found, Some(Found::Bad { what, .. }) if what.contains("GPIO 3")),
        "{found:?}"
    );
    assert_eq!(clock_pins(&made.machine(), &pins(4)), None);
}

#[test]
fn a_weak_supply_is_found() {
    let made = pi_4();
    assert_eq!(supply(&made.machine()), None);
    for (bits, good) in [
        ("0", true),
        ("50005", false),
        ("0x50000", false),
        ("80000", true),
    ] {
        made.file(
            "/sys/devices/platform/soc/soc:firmware/get_throttled",
            &format!("{bits}\n"),
        );
        let found = supply(&made.machine()).expect("it can tell");
        assert_eq!(fix(&found).is_none(), good, "{bits}");
    }
}

#[test]
fn a_disk_that_forgets_refuses_or_fails_is_found() {
    let made = pi_4();
    let look = || storage(&made.machine(), Path::new("/var/lib/door-agent"));
    let found = look();
    assert!(
        matches!(&found, Found::Good(text) if text.contains("mmcblk0p2; an SD card wears out")),
        "{found:?}"
    );
    for (mounts, what) in [
        (
            "overlay / overlay rw,lowerdir=/lower 0 0\n",
            "lies in memory (overlay)",
        ),
        ("tmpfs /var tmpfs rw 0 0\n", "lies in memory (tmpfs)"),
        ("/dev/mmcblk0p2 / ext4 ro,noatime 0 0\n", "/ is read-only"),
        (
            "/dev/mmcblk0p2 / ext4 rw 0 0\n/dev/sda1 /var/lib ext4 ro 0 0\n",
            "/var/lib is read-only",
        ),
    ] {
        made.file("/proc/mounts", mounts);
        assert!(
            matches!(look(), Found::Bad { what: said, .. } if said.contains(what)),
            "{what}"
        );
    }
    // A partition of its own on a read-only system.
    let own = "overlay / overlay ro 0 0\n/dev/sda1 /var/lib/door-agent ext4 rw 0 0\n";
    made.file("/proc/mounts", own);
    assert_eq!(fix(&look()), None);
    made.file("/sys/fs/ext4/sda1/errors_count", "3\n");
    assert!(matches!(look(), Found::Bad { what, .. } if what.contains("has had errors")));
}
