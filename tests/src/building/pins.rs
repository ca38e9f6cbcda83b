//! PINs of members, and zones that ask for them.

use super::Building;
use super::server::organisation;
use super::story::Who;
use server::random::Handed;
use server::setup;
use server::store::rulebook::{Hours, ZoneSettings};
use server::store::{people, pins};
use shared::ids::{Holder, ZoneId};
use shared::pin::Pin;

impl Building {
    /// Gives a person a PIN.
    pub fn give_pin(&mut self, who: Who, digits: &str) {
        let (member, now) = (self.id(who), self.now);
        let pin = Pin::choose(digits).expect("a PIN");
        self.deed(member, async |app, work| {
            let person = people::find(&mut work.tx, &organisation(), member).await?;
            let holder = Holder(person.expect("a member").holder);
            let mut random =
                Handed::new(|bytes| app.with_random(|random| random.fill_bytes(bytes)));
            let sealed = app.keys.seal_pin(&pin, holder, &mut random);
            pins::put(&mut work.tx, member, &sealed, now).await
        });
    }

    /// Lets a zone ask for a PIN at all hours.
    pub fn ask_for_pins(&mut self, zone: &str) {
        let zone = ZoneId::new(zone).expect("a name");
        let settings = ZoneSettings {
            pin_schedule: Some(Hours::Always),
            ..ZoneSettings::default()
        };
        let now = self.now;
        self.step(async |app| {
            let mut work = app.work(now).await?;
            setup::zone_settings(&mut work.tx, &organisation(), &zone, &settings, now).await?;
            app.reread(&mut work).await?;
            app.derive_all(&mut work, "settings", true).await?;
            app.finish(work).await
        });
        self.step(async |app| app.publish_changes(now).await);
        self.settle();
    }
}
