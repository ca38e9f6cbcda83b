//! What a Raspberry Pi's own files say about a door's wiring, its serial line, its clock and its disk.
//!
//! Everything is read below a root folder, so that a made-up Pi is as good as a real one.

use super::Found;
use crate::config::{Follows, Inputs, Level, Pins, Relay};
use rustix::fs::statvfs;
use std::fs;
use std::path::{Path, PathBuf};

/// GPIO numbers that a Pi pulls high from power-on until a program takes them; all others it pulls low (BCM2835 ARM Peripherals, table 6-31;
/// RP1 Peripherals, table 4).
const PULLED_HIGH: std::ops::RangeInclusive<u32> = 0..=8;
/// A million badge events, and a list of a million cards twice.
const ROOM: u64 = 200 << 20;
/// I²C on the header.
const CLOCK_PINS: [u32; 2] = [2, 3];
const UART_NAMES: [&str; 3] = ["serial0", "ttyAMA0", "ttyS0"];

/// A machine's files.
#[derive(Debug, Clone)]
pub struct Machine {
    root: PathBuf,
}

impl Machine {
    /// The machine whose `/` is this folder.
    pub fn at(root: &Path) -> Self {
        Self {
            root: root.to_owned(),
        }
    }

    pub(crate) fn path(&self, path: &str) -> PathBuf {
        self.root.join(path.trim_start_matches('/'))
    }

    fn text(&self, path: &str) -> Option<String> {
        let bytes = fs::read(self.path(path)).ok()?;
        Some(String::from_utf8_lossy(&bytes).into_owned())
    }

    /// A file that the firmware reads, and where it is; before Debian 12 it was one folder higher.
    fn boot(&self, name: &str) -> (String, String) {
        let places = [format!("/boot/firmware/{name}"), format!("/boot/{name}")];
        let found = places
            .iter()
            .find_map(|place| Some((self.text(place)?, place.clone())));
        found.unwrap_or_else(|| (String::new(), places[0].clone()))
    }

    fn model(&self) -> String {
        let model = self.text("/proc/device-tree/model").unwrap_or_default();
        model.trim_end_matches('\0').to_owned()
    }

    /// The device behind a name in `/dev`, which may be a link.
    fn device<'a>(&self, name: &'a str) -> std::borrow::Cow<'a, str> {
        match fs::read_link(self.path("/dev").join(name)) {
            Ok(target) => target.file_name().map_or(name.into(), |name| {
                name.to_string_lossy().into_owned().into()
            }),
            Err(_) => name.into(),
        }
    }
}

/// Whether a relay rests from power-on until the agent takes its line.
pub fn boot_level(machine: &Machine, relay: Relay, follows: Follows) -> Found {
    let Relay { pin, active } = relay;
    let high = PULLED_HIGH.contains(&pin);
    let (word, rest) = match active {
        Level::High => ("high", false),
        Level::Low => ("low", true),
    };
    let (does, so) = match follows {
        Follows::Lock => ("releases", "the door stands open at every start"),
        Follows::Siren => ("pulls", "the siren is on at every start"),
    };
    if high != rest {
        let pulled = if high { "high" } else { "low" };
        let to_do = match active {
            Level::Low => format!(
                "use a relay that {does} on high (`active = \"high\"`), which is the better one, or move it to GPIO 4 to 8; GPIO {pin} cannot serve"
            ),
            Level::High => format!("move the relay to GPIO 9 or above; GPIO {pin} cannot serve"),
        };
        return Found::bad(
            format!(
                "the Pi pulls GPIO {pin} {pulled} from power-on until the agent runs, and the relay {does} on {word}: {so}"
            ),
            to_do,
        );
    }
    let level = if rest { "dh" } else { "dl" };
    let wanted = format!("gpio={pin}=op,{level}");
    let (config, path) = machine.boot("config.txt");
    match firmware(&config, pin, rest) {
        Firmware::Rests => {
            return Found::Good(format!(
                "GPIO {pin} rests from power-on, driven by the firmware"
            ));
        }
        Firmware::Otherwise(line) => {
            return Found::bad(
                format!(
                    "the firmware sets GPIO {pin} otherwise than the relay needs to rest (`{line}` in {path}): {so}"
                ),
                format!("take GPIO {pin} out of that line and write `{wanted}`"),
            );
        }
        Firmware::Nothing => {}
    }
    Found::Good(format!(
        "GPIO {pin} rests from power-on, by a weak pull only: `{wanted}` in {path} makes it sure"
    ))
}

/// What the firmware does to a line.
#[derive(Debug, PartialEq, Eq)]
enum Firmware<'a> {
    /// Nothing that matters: the pull of the chip stays.
    Nothing,
    /// It drives it to the level at which the relay rests.
    Rests,
    /// Something else, last by this line.
    Otherwise(&'a str),
}

/// What the `gpio=` lines of a `config.txt` come to for a pin whose relay rests at this level: `gpio=17,20-22=op,dl`, where what stands
/// later overrides what stands earlier (Raspberry Pi documentation, *GPIO control*).
fn firmware(config: &str, pin: u32, rest: bool) -> Firmware<'_> {
    let (mut is_output, mut is_other, mut drive, mut pull) = (false, false, None, rest);
    let mut last = None;
    for line in settings(config) {
        let words = line.strip_prefix("gpio=").unwrap_or_default();
        let Some((_, does)) = words
            .split_once('=')
            .filter(|(pins, _)| names_pin(pins, pin))
        else {
            continue;
        };
        last = Some(line);
        for word in does.split(',').map(str::trim) {
            match word {
                "op" => (is_output, is_other) = (true, false),
                "ip" => (is_output, is_other) = (false, false),
                "dh" => drive = Some(true),
                "dl" => drive = Some(false),
                "pu" => pull = true,
                "pd" => pull = false,
                // None at all: it floats.
                "pn" | "np" => pull = !rest,
                // A function of the chip's, or nothing that is known here.
                _other => (is_output, is_other) = (false, true),
            }
        }
    }
    match last {
        None => Firmware::Nothing,
        Some(line) if is_other || pull != rest => Firmware::Otherwise(line),
        Some(_) if !is_output => Firmware::Nothing,
        Some(_) if drive == Some(rest) => Firmware::Rests,
        Some(line) => Firmware::Otherwise(line),
    }
}

/// Whether a list such as `4,17-21` names a pin.
fn names_pin(list: &str, pin: u32) -> bool {
    list.split(',').any(|part| {
        let (first, last) = part.split_once('-').unwrap_or((part, part));
        let number = |text: &str| text.trim().parse::<u32>().ok();
        match (number(first), number(last)) {
            (Some(first), Some(last)) => (first..=last).contains(&pin),
            (None, _) | (_, None) => false,
        }
    })
}

/// Whether anything else uses the serial line of a reader on the Pi's header; none if it is another kind of line.
pub fn serial_line(machine: &Machine, device: &Path) -> Option<Found> {
    let name = device.strip_prefix("/dev").ok()?.to_str()?;
    if !UART_NAMES.contains(&name) {
        return None;
    }
    let model = machine.model();
    let real = machine.device(name);
    if let Some(found) = console(machine, &real) {
        return Some(found);
    }
    let getty = format!("serial-getty@{real}.service");
    let wanted = format!("/etc/systemd/system/getty.target.wants/{getty}");
    if machine.path(&wanted).symlink_metadata().is_ok() {
        return Some(Found::bad(
            format!("a login waits at {real} ({getty})"),
            format!("sudo systemctl disable --now {getty}"),
        ));
    }
    if model.starts_with("Raspberry Pi 5") {
        return Some(pi_5(machine, name));
    }
    Some(bluetooth(machine, &model, &real))
}

fn console(machine: &Machine, real: &str) -> Option<Found> {
    let (line, path) = machine.boot("cmdline.txt");
    let own = |word: &&str| {
        let console = word.strip_prefix("console=");
        let name = console.map(|console| console.split(',').next().unwrap_or(console));
        name.is_some_and(|name| machine.device(name) == real)
    };
    let word = line.split_whitespace().find(own)?;
    Some(Found::bad(
        format!(
            "the system's console is at {real} (`{word}` in {path}): its messages go to the reader, and a login eats what the reader says"
        ),
        format!("sudo sed -i 's/{word} *//' {path} && sudo reboot"),
    ))
}

/// There `serial0` is the plug for debugging, and the header's line has to be switched on.
fn pi_5(machine: &Machine, name: &str) -> Found {
    let (config, path) = machine.boot("config.txt");
    let on = settings(&config).any(|line| {
        matches!(
            line,
            "dtparam=uart0=on" | "dtparam=uart0" | "dtoverlay=uart0-pi5" | "enable_uart=1"
        )
    });
    if name == "serial0" {
        return Found::bad(
            "on this Pi /dev/serial0 is the plug for debugging, not the header".to_owned(),
            format!(
                "set device = \"/dev/ttyAMA0\", and: echo dtparam=uart0=on | sudo tee -a {path} && sudo reboot"
            ),
        );
    }
    if on {
        return Found::Good("the header's line, nothing else uses it".to_owned());
    }
    Found::bad(
        "the header's serial line is not switched on".to_owned(),
        format!("echo dtparam=uart0=on | sudo tee -a {path} && sudo reboot"),
    )
}

fn bluetooth(machine: &Machine, model: &str, real: &str) -> Found {
    let (config, path) = machine.boot("config.txt");
    let has = |wanted: &str| settings(&config).any(|line| line == wanted);
    if !has("enable_uart=1") && machine.path("/dev").join(real).symlink_metadata().is_err() {
        return Found::bad(
            "the header's serial line is not switched on".to_owned(),
            format!("echo enable_uart=1 | sudo tee -a {path} && sudo reboot"),
        );
    }
    let radio = [
        "Raspberry Pi 3",
        "Raspberry Pi 4",
        "Raspberry Pi Zero W",
        "Raspberry Pi Zero 2",
    ];
    let moved = ["dtoverlay=disable-bt", "dtoverlay=miniuart-bt"];
    if !radio.iter().any(|radio| model.starts_with(radio)) || moved.into_iter().any(has) {
        return Found::Good(format!("{real}, nothing else uses it"));
    }
    let what = if real == "ttyAMA0" {
        "Bluetooth uses ttyAMA0"
    } else {
        "Bluetooth uses the good serial line, and the header has the one whose speed moves with the processor's clock"
    };
    Found::bad(
        what.to_owned(),
        format!("echo dtoverlay=disable-bt | sudo tee -a {path} && sudo reboot"),
    )
}

/// Whether the machine knows the time after a power cut without a network.
pub fn battery_clock(machine: &Machine) -> Found {
    let clocks = fs::read_dir(machine.path("/sys/class/rtc"));
    if clocks.is_ok_and(|mut clocks| clocks.next().is_some()) {
        return Found::Good("there is one".to_owned());
    }
    let (config, path) = machine.boot("config.txt");
    let set_up = settings(&config).any(|line| line.starts_with("dtoverlay=i2c-rtc,"));
    let what = "none: after a power cut without a network the agent does not know the day";
    let to_do = if set_up {
        format!("{path} names one that does not answer: look at its wires and its cell")
    } else {
        format!(
            "fit a DS3231 module, then: echo dtoverlay=i2c-rtc,ds3231 | sudo tee -a {path} && sudo reboot"
        )
    };
    Found::bad(what.to_owned(), to_do)
}

/// Whether a door uses the lines on which the battery clock is asked; none if it does not.
pub fn clock_pins(machine: &Machine, pins: &Pins) -> Option<Found> {
    let (config, path) = machine.boot("config.txt");
    let clock = settings(&config).find(|line| line.starts_with("dtoverlay=i2c-rtc,"))?;
    let Inputs {
        exit,
        contact,
        tamper,
        fire,
    } = pins.inputs;
    let relay = pins.relay.map(|second| second.relay.pin);
    let used = [
        Some(pins.lock.pin),
        relay,
        exit,
        contact,
        tamper,
        fire,
        pins.green,
        pins.red,
        pins.buzzer,
    ];
    let mut used = used.into_iter().flatten();
    let pin = used.find(|pin| pins.chip.has_header_pins() && CLOCK_PINS.contains(pin))?;
    Some(Found::bad(
        format!("GPIO {pin} is wired to the battery clock too (`{clock}` in {path})"),
        "move it to a pin of its own",
    ))
}

/// Whether the supply has held since the machine was started; none if the machine cannot tell.
pub fn supply(machine: &Machine) -> Option<Found> {
    let text = machine.text("/sys/devices/platform/soc/soc:firmware/get_throttled")?;
    let bits = u32::from_str_radix(text.trim().trim_start_matches("0x"), 16).ok()?;
    // Bit 0: too low now; bit 16: it was.
    Some(if bits & 0x1_0001 == 0 {
        Found::Good("held since the machine was started".to_owned())
    } else {
        Found::bad(
            "the Pi's 5 V were too low since it was started".to_owned(),
            "use a supply of its own, 3 A or more, apart from the lock's, and a short thick cable"
                .to_owned(),
        )
    })
}

/// Whether what is written in a folder stays, and whether there is room.
pub fn storage(machine: &Machine, folder: &Path) -> Found {
    let mounts = machine.text("/proc/mounts").unwrap_or_default();
    let Some(mount) = Mount::of(&mounts, folder) else {
        return Found::Note {
            what: "the system does not say what disk this is".to_owned(),
            to_do: "nothing".to_owned(),
        };
    };
    let disk = mount.device.trim_start_matches("/dev/");
    if ["overlay", "tmpfs", "ramfs"].contains(&mount.kind) {
        return Found::bad(
            format!(
                "{} lies in memory ({}): keys, lists and badges are gone at the next start",
                folder.display(),
                mount.kind
            ),
            format!(
                "give {} a partition of its own; the rest of the system may stay read-only",
                folder.display()
            ),
        );
    }
    if mount.read_only {
        return Found::bad(
            format!("{} is read-only", mount.point),
            format!(
                "if nobody made it so, the disk is failing: replace it. Otherwise give {} a partition of its own that can be written",
                folder.display()
            ),
        );
    }
    let errors = machine.text(&format!("/sys/fs/ext4/{disk}/errors_count"));
    if errors.is_some_and(|count| count.trim() != "0") {
        return Found::bad(
            format!("the file system of {} has had errors", mount.point),
            "replace the card or disk soon; until then the door goes on".to_owned(),
        );
    }
    room(machine, folder, &mount, disk)
}

fn room(machine: &Machine, folder: &Path, mount: &Mount<'_>, disk: &str) -> Found {
    let free = match statvfs(machine.path(&folder.to_string_lossy())) {
        Ok(found) => found.f_bavail.saturating_mul(found.f_frsize),
        Err(error) => {
            return Found::bad(
                format!("{}: {error}", folder.display()),
                "replace the card or disk".to_owned(),
            );
        }
    };
    if free < ROOM {
        return Found::bad(
            format!("{} MB are free", free >> 20),
            format!("make room on {}: {} MB are needed", mount.point, ROOM >> 20),
        );
    }
    let wear = if disk.starts_with("mmcblk") {
        "; an SD card wears out: keep a spare one"
    } else {
        ""
    };
    Found::Good(format!("{} MB are free on {disk}{wear}", free >> 20))
}

/// A line of `/proc/mounts`.
struct Mount<'a> {
    device: &'a str,
    point: &'a str,
    kind: &'a str,
    read_only: bool,
}

impl<'a> Mount<'a> {
    /// Where a folder lies: the longest mount point above it, and of several there the last.
    fn of(mounts: &'a str, folder: &Path) -> Option<Self> {
        let all = mounts.lines().filter_map(|line| {
            let mut words = line.split(' ');
            let (device, point, kind) = (words.next()?, words.next()?, words.next()?);
            let read_only = words.next()?.split(',').any(|option| option == "ro");
            Some(Self {
                device,
                point,
                kind,
                read_only,
            })
        });
        all.filter(|mount| folder.starts_with(mount.point))
            .max_by_key(|mount| Path::new(mount.point).components().count())
    }
}

/// The lines of a `config.txt` that set something.
fn settings(config: &str) -> impl Iterator<Item = &str> {
    config
        .lines()
        .map(str::trim)
        .filter(|line| !line.starts_with('#') && !line.is_empty())
}

#[cfg(test)]
mod tests;
