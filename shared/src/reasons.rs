//! The one table of reasons: what the lamp shows, what the member reads, what staff read, what to do.

use serde::{Deserialize, Serialize};

/// Why a lock was released or not.
#[derive(
    Debug,
    Clone,
    Copy,
    PartialEq,
    Eq,
    PartialOrd,
    Ord,
    Hash,
    Serialize,
    Deserialize,
    minicbor::Encode,
    minicbor::Decode,
)]
#[cbor(index_only)]
#[serde(rename_all = "snake_case")]
pub enum Reason {
    /// A right holds.
    #[n(0)]
    Granted,
    /// A right ended while the door was out of contact; its renewal could not have arrived.
    #[n(1)]
    GrantedOffline,
    /// A scheduled right, judged without a trusted clock.
    #[n(2)]
    GrantedClockUnsure,
    /// Any card passes.
    #[n(3)]
    OpenHouse,
    /// Not on the list.
    #[n(4)]
    Unknown,
    /// The right's end has passed.
    #[n(5)]
    Expired,
    /// The list says that the membership has ended.
    #[n(6)]
    Lapsed,
    /// Withheld by an admin.
    #[n(7)]
    Held,
    /// Reported lost.
    #[n(8)]
    Lost,
    /// The right begins later.
    #[n(9)]
    NotYet,
    /// The right does not cover this hour.
    #[n(10)]
    OutsideHours,
    /// The door has not heard from its server for too long.
    #[n(11)]
    Stale,
    /// Only keyholders pass.
    #[n(12)]
    Lockdown,
    /// The door has no list yet.
    #[n(13)]
    NoList,
    /// The list uses a rule that this agent is too old for.
    #[n(14)]
    NewerRules,
    /// A PIN must follow.
    #[n(15)]
    PinNeeded,
    /// A scheduled right, and the zone demands a trusted clock.
    #[n(16)]
    ClockUnsure,
    /// The zone demands an induction that the holder has not had.
    #[n(17)]
    InductionNeeded,
    /// A right holds, and the card passed here only just now (soft anti-passback).
    #[n(18)]
    GrantedAgain,
    /// What was typed is not the holder's PIN.
    #[n(19)]
    WrongPin,
    /// The zone asks for a PIN, and the holder has none.
    #[n(20)]
    NoPin,
    /// Too many wrong PINs for this card.
    #[n(21)]
    PinLocked,
}

/// What the lamp and the buzzer do.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Signal {
    /// Steady green, one short beep.
    Welcome,
    /// Green with one yellow blink: in, but see to it.
    WelcomeNotice,
    /// Three red blinks, one long beep.
    Refused,
    /// Red and yellow in turn, two beeps: right card, wrong moment.
    WrongMoment,
    /// Slow red: see the pages or staff.
    SeeStaff,
    /// Fast yellow: the door itself needs help.
    DoorTrouble,
    /// Steady blue: tap again, or type.
    Waiting,
    /// One short tick, the same for every key.
    Key,
    /// Slow yellow and a beep each time: the door has stood open for too long, please close it.
    CloseDoor,
    /// All lamps in turn: this is the door you are looking for.
    Identify,
    /// Nothing.
    Rest,
}

/// A language of the sentences.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Language {
    /// English.
    #[default]
    En,
    /// German.
    De,
}

/// One row of the table.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Row {
    /// Lamp and buzzer.
    pub signal: Signal,
    /// What the member reads.
    pub member: &'static str,
    /// What staff read.
    pub staff: &'static str,
    /// The one thing to do; empty where there is nothing.
    pub remedy: &'static str,
}

impl Reason {
    /// Every reason, in the order of the wire.
    pub const ALL: [Self; 22] = [
        Self::Granted,
        Self::GrantedOffline,
        Self::GrantedClockUnsure,
        Self::OpenHouse,
        Self::Unknown,
        Self::Expired,
        Self::Lapsed,
        Self::Held,
        Self::Lost,
        Self::NotYet,
        Self::OutsideHours,
        Self::Stale,
        Self::Lockdown,
        Self::NoList,
        Self::NewerRules,
        Self::PinNeeded,
        Self::ClockUnsure,
        Self::InductionNeeded,
        Self::GrantedAgain,
        Self::WrongPin,
        Self::NoPin,
        Self::PinLocked,
    ];

    /// Whether the lock is released.
    #[must_use]
    pub fn grants(self) -> bool {
        matches!(
            self,
            Self::Granted
                | Self::GrantedOffline
                | Self::GrantedClockUnsure
                | Self::OpenHouse
                | Self::GrantedAgain
        )
    }

    /// What a list alone says: without what a door remembers of PINs and of cards that pass again.
    #[must_use]
    pub fn by_list(self) -> Self {
        if self == Self::GrantedAgain {
            Self::Granted
        } else if matches!(self, Self::WrongPin | Self::PinLocked) {
            Self::PinNeeded
        } else {
            self
        }
    }

    /// Which of several reasons is told: grants first, then the refusal nearest to a grant.
    #[must_use]
    pub fn rank(self) -> u8 {
        match self {
            Self::Granted => 0,
            Self::GrantedOffline => 1,
            Self::GrantedClockUnsure => 2,
            Self::OpenHouse => 3,
            Self::GrantedAgain => 4,
            Self::OutsideHours => 5,
            Self::ClockUnsure => 6,
            Self::NotYet => 7,
            Self::Expired => 8,
            Self::PinNeeded => 9,
            Self::WrongPin => 10,
            Self::NoPin => 11,
            Self::PinLocked => 12,
            Self::InductionNeeded => 13,
            Self::NewerRules => 14,
            Self::Stale => 15,
            Self::Lockdown => 16,
            Self::NoList => 17,
            Self::Lapsed => 18,
            Self::Held => 19,
            Self::Lost => 20,
            Self::Unknown => 21,
        }
    }

    /// The name on the wire, in logs and in the interface.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::Granted => "granted",
            Self::GrantedOffline => "granted_offline",
            Self::GrantedClockUnsure => "granted_clock_unsure",
            Self::OpenHouse => "open_house",
            Self::Unknown => "unknown",
            Self::Expired => "expired",
            Self::Lapsed => "lapsed",
            Self::Held => "held",
            Self::Lost => "lost",
            Self::NotYet => "not_yet",
            Self::OutsideHours => "outside_hours",
            Self::Stale => "stale",
            Self::Lockdown => "lockdown",
            Self::NoList => "no_list",
            Self::NewerRules => "newer_rules",
            Self::PinNeeded => "pin_needed",
            Self::ClockUnsure => "clock_unsure",
            Self::InductionNeeded => "induction_needed",
            Self::GrantedAgain => "granted_again",
            Self::WrongPin => "wrong_pin",
            Self::NoPin => "no_pin",
            Self::PinLocked => "pin_locked",
        }
    }

    /// Its row of the table.
    #[must_use]
    pub fn row(self, language: Language) -> Row {
        let (member, staff, remedy) = match language {
            Language::En => self.english(),
            Language::De => self.german(),
        };
        Row {
            signal: self.signal(),
            member,
            staff,
            remedy,
        }
    }

    /// Lamp and buzzer.
    #[must_use]
    pub fn signal(self) -> Signal {
        match self {
            Self::Granted | Self::OpenHouse => Signal::Welcome,
            Self::GrantedOffline | Self::GrantedClockUnsure | Self::GrantedAgain => {
                Signal::WelcomeNotice
            }
            Self::Unknown | Self::Lost | Self::Lockdown | Self::WrongPin => Signal::Refused,
            Self::Expired
            | Self::Lapsed
            | Self::Held
            | Self::InductionNeeded
            | Self::NoPin
            | Self::PinLocked => Signal::SeeStaff,
            Self::NotYet | Self::OutsideHours => Signal::WrongMoment,
            Self::Stale | Self::NoList | Self::NewerRules | Self::ClockUnsure => {
                Signal::DoorTrouble
            }
            Self::PinNeeded => Signal::Waiting,
        }
    }

    fn english(self) -> (&'static str, &'static str, &'static str) {
        match self {
            Self::Granted => ("Welcome.", "Let in.", ""),
            Self::GrantedOffline => (
                "Welcome. This door is out of contact and trusts your renewal.",
                "The right had ended, but its renewal could not have reached the door.",
                "Bring the door back into contact.",
            ),
            Self::GrantedClockUnsure => (
                "Welcome. This door does not know the hour.",
                "A scheduled right passed while the door's clock was untrusted.",
                "Give the agent a battery clock or a network.",
            ),
            Self::OpenHouse => (
                "Welcome to the open house.",
                "Any card passes during the open house.",
                "",
            ),
            Self::Unknown => (
                "This door does not know your card.",
                "The card is not on the zone's list.",
                "Ask staff to enrol the card.",
            ),
            Self::Expired => (
                "Your access to this door has ended.",
                "The last right on the list has ended.",
                "Renew the membership.",
            ),
            Self::Lapsed => (
                "Your membership has lapsed.",
                "The list says that the membership has ended.",
                "Pay the open amount; the card then works again by itself.",
            ),
            Self::Held => (
                "Your access is on hold. Please talk to staff.",
                "An admin put the member on hold.",
                "Lift the hold when it is settled.",
            ),
            Self::Lost => (
                "This card was reported lost.",
                "A card reported lost was presented.",
                "Take the card, or mark it as found.",
            ),
            Self::NotYet => (
                "Your access begins later.",
                "The right begins later.",
                "Come back when it begins.",
            ),
            Self::OutsideHours => (
                "Your membership does not cover this hour.",
                "The schedule is closed at this hour.",
                "Come back within your hours, or change the membership.",
            ),
            Self::Stale => (
                "This door has been out of contact for too long.",
                "The staleness limit of the zone has passed.",
                "Bring the door back into contact; a keyholder can open.",
            ),
            Self::Lockdown => (
                "The space is locked down.",
                "Only keyholders pass.",
                "End the lockdown.",
            ),
            Self::NoList => (
                "This door is not set up yet.",
                "The door has no list.",
                "Check that the agent is paired and has heard from the server.",
            ),
            Self::NewerRules => (
                "This door is too old for your card's rules.",
                "The list uses a rule that this agent does not know.",
                "Update the door agent.",
            ),
            Self::PinNeeded => (
                "Please type your PIN.",
                "The card needs a PIN as well.",
                "Type the PIN.",
            ),
            Self::ClockUnsure => (
                "This door does not know the hour.",
                "The zone demands a trusted clock for scheduled rights.",
                "Give the agent a battery clock or a network.",
            ),
            Self::InductionNeeded => (
                "You need an induction before you may come in here.",
                "The zone demands an induction, and none is noted for the member.",
                "Give the induction and note it with the member.",
            ),
            Self::GrantedAgain => (
                "Welcome. Your card passed here only just now.",
                "Let in; the card passed this door within the time set for passing again.",
                "Look whether a card is handed on.",
            ),
            Self::WrongPin => (
                "That was not your PIN.",
                "A wrong PIN was typed.",
                "Show the card and type the PIN again.",
            ),
            Self::NoPin => (
                "This door asks for a PIN, and you have none yet.",
                "The zone asks for a PIN, and the member has none.",
                "Give the member a PIN.",
            ),
            Self::PinLocked => (
                "Too many wrong PINs. Wait ten minutes.",
                "Three wrong PINs were typed for this card; it waits ten minutes at this door.",
                "Wait, or ask staff for a new PIN.",
            ),
        }
    }

    fn german(self) -> (&'static str, &'static str, &'static str) {
        match self {
            Self::Granted => ("Willkommen.", "Eingelassen.", ""),
            Self::GrantedOffline => (
                "Willkommen. Diese Tür hat keinen Kontakt und vertraut auf deine Verlängerung.",
                "Das Recht war abgelaufen, die Verlängerung konnte die Tür aber nicht erreichen.",
                "Die Tür wieder in Kontakt bringen.",
            ),
            Self::GrantedClockUnsure => (
                "Willkommen. Diese Tür kennt die Uhrzeit nicht.",
                "Ein Recht mit Zeitplan galt, während die Uhr der Tür unsicher war.",
                "Dem Agenten eine Batterieuhr oder ein Netz geben.",
            ),
            Self::OpenHouse => (
                "Willkommen zum offenen Haus.",
                "Im offenen Haus gilt jede Karte.",
                "",
            ),
            Self::Unknown => (
                "Diese Tür kennt deine Karte nicht.",
                "Die Karte steht nicht auf der Liste der Zone.",
                "Das Team bitten, die Karte einzutragen.",
            ),
            Self::Expired => (
                "Dein Zugang zu dieser Tür ist abgelaufen.",
                "Das letzte Recht auf der Liste ist abgelaufen.",
                "Die Mitgliedschaft verlängern.",
            ),
            Self::Lapsed => (
                "Deine Mitgliedschaft ist abgelaufen.",
                "Laut Liste ist die Mitgliedschaft beendet.",
                "Den offenen Betrag zahlen; danach gilt die Karte von selbst wieder.",
            ),
            Self::Held => (
                "Dein Zugang ist gesperrt. Bitte sprich mit dem Team.",
                "Ein Admin hat das Mitglied gesperrt.",
                "Die Sperre aufheben, wenn die Sache geklärt ist.",
            ),
            Self::Lost => (
                "Diese Karte ist als verloren gemeldet.",
                "Eine verlorene Karte wurde vorgezeigt.",
                "Die Karte einziehen oder als gefunden melden.",
            ),
            Self::NotYet => (
                "Dein Zugang beginnt später.",
                "Das Recht beginnt später.",
                "Zum Beginn wiederkommen.",
            ),
            Self::OutsideHours => (
                "Deine Mitgliedschaft gilt nicht zu dieser Stunde.",
                "Der Zeitplan ist zu dieser Stunde geschlossen.",
                "In deinen Zeiten kommen oder die Mitgliedschaft ändern.",
            ),
            Self::Stale => (
                "Diese Tür hat zu lange keinen Kontakt.",
                "Die Frist der Zone ohne Kontakt ist um.",
                "Die Tür wieder in Kontakt bringen; wer einen Schlüssel hat, kann öffnen.",
            ),
            Self::Lockdown => (
                "Das Haus ist abgeriegelt.",
                "Nur Schlüsselträger kommen durch.",
                "Die Abriegelung beenden.",
            ),
            Self::NoList => (
                "Diese Tür ist noch nicht eingerichtet.",
                "Die Tür hat keine Liste.",
                "Prüfen, ob der Agent gekoppelt ist und den Server gehört hat.",
            ),
            Self::NewerRules => (
                "Diese Tür ist zu alt für die Regeln deiner Karte.",
                "Die Liste nutzt eine Regel, die dieser Agent nicht kennt.",
                "Den Agenten aktualisieren.",
            ),
            Self::PinNeeded => (
                "Bitte gib deine PIN ein.",
                "Die Karte braucht auch eine PIN.",
                "Die PIN eingeben.",
            ),
            Self::ClockUnsure => (
                "Diese Tür kennt die Uhrzeit nicht.",
                "Die Zone verlangt für Zeitpläne eine sichere Uhr.",
                "Dem Agenten eine Batterieuhr oder ein Netz geben.",
            ),
            Self::InductionNeeded => (
                "Hier brauchst du zuerst eine Einweisung.",
                "Die Zone verlangt eine Einweisung, und beim Mitglied ist keine vermerkt.",
                "Die Einweisung geben und beim Mitglied vermerken.",
            ),
            Self::GrantedAgain => (
                "Willkommen. Deine Karte war gerade eben schon hier.",
                "Eingelassen; die Karte kam innerhalb der Wiederholungsfrist noch einmal.",
                "Nachsehen, ob eine Karte weitergereicht wird.",
            ),
            Self::WrongPin => (
                "Das war nicht deine PIN.",
                "Eine falsche PIN wurde eingegeben.",
                "Die Karte vorhalten und die PIN noch einmal eingeben.",
            ),
            Self::NoPin => (
                "Diese Tür verlangt eine PIN, und du hast noch keine.",
                "Die Zone verlangt eine PIN, und das Mitglied hat keine.",
                "Dem Mitglied eine PIN geben.",
            ),
            Self::PinLocked => (
                "Zu viele falsche PINs. Bitte warte zehn Minuten.",
                "Dreimal wurde für diese Karte eine falsche PIN eingegeben; sie wartet hier zehn Minuten.",
                "Warten, oder das Team um eine neue PIN bitten.",
            ),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_reason_has_its_row_in_every_language() {
        for (index, reason) in Reason::ALL.into_iter().enumerate() {
            assert_eq!(
                minicbor::to_vec(reason).expect("encodes"),
                minicbor::to_vec(index).expect("encodes")
            );
            for language in [Language::En, Language::De] {
                let row = reason.row(language);
                assert!(
                    !row.member.is_empty() && !row.staff.is_empty(),
                    "{reason:?}"
                );
                assert!(
                    reason.grants() || !row.remedy.is_empty(),
                    "a refusal names what to do: {reason:?}"
                );
            }
        }
        assert!(
            minicbor::decode::<Reason>(&minicbor::to_vec(Reason::ALL.len()).expect("encodes"))
                .is_err()
        );
    }

    #[test]
    fn ranks_and_names_tell_reasons_apart_and_grants_rank_first() {
        let mut ranks: Vec<_> = Reason::ALL
            .map(|reason| (reason.rank(), reason.grants()))
            .into();
        ranks.sort_unstable();
        ranks.dedup_by_key(|(rank, _)| *rank);
        assert_eq!(ranks.len(), Reason::ALL.len());
        assert!(ranks.windows(2).all(|pair| pair[0].1 >= pair[1].1));
        for reason in Reason::ALL {
            assert_eq!(
                serde_json::to_value(reason).expect("serialises"),
                reason.name()
            );
        }
    }
}
