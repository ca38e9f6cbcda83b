//! How many bytes one member's change takes on the wire.

use super::prepare::{Club, Renewal, zone};
use super::{Figure, ingest, tell, timing};
use crate::stripe_sim::deliver::sign;
use server::app::App;
use server::doors::publish::Publication;
use shared::wire::Topic;
use shared::wire::topics::Channel;

/// One member's renewal as the MQTT 3.1.1 PUBLISH packet (QoS 1) that carries it to the doors of a zone, whole with
/// header and topic, taken from what the server publishes; with 100 members and with 5000 members. It has no floor.
pub fn bytes() -> anyhow::Result<Figure> {
    let runtime = ingest::runtime()?;
    let mut sizes = Vec::new();
    for members in [100, 5000] {
        let size = runtime.block_on(async {
            let club = Club::make(members, 2).await?;
            let copy = club.copy()?;
            let app = copy.app().await?;
            let mut largest = 0;
            for (place, renewal) in [
                (7, Renewal::MovedOn),
                (7, Renewal::Paid),
                (70, Renewal::MovedOn),
            ] {
                largest = largest.max(packet(&change(&app, &club, renewal, place).await?));
            }
            app.store.close().await;
            anyhow::Ok(largest)
        })?;
        tell(&format!("delta_bytes: {size} B among {members} members"));
        sizes.push(size);
    }
    let [few, many] = sizes[..] else {
        anyhow::bail!("two sizes were measured")
    };
    anyhow::ensure!(
        few.abs_diff(many) <= 8,
        "the size depends on the number of members: {few} B and {many} B"
    );
    #[expect(clippy::cast_precision_loss, reason = "a few hundred bytes")]
    Ok(Figure {
        value: few.max(many) as f64,
        floor: None,
    })
}

async fn change(
    app: &App,
    club: &Club,
    renewal: Renewal,
    place: usize,
) -> anyhow::Result<Publication> {
    let body = club.story.renewal(renewal, place);
    let now = timing::now();
    let taken = app
        .receive(
            Some(sign(super::prepare::SECRET, now.as_seconds(), &body).as_bytes()),
            &body,
            now,
        )
        .await?;
    let is_delta = |publication: &Publication| {
        Topic::parse(&publication.topic)
            .is_some_and(|topic| topic.channel == Channel::Delta(zone()))
    };
    let deltas: Vec<Publication> = taken.publications.into_iter().filter(is_delta).collect();
    let [delta] = &deltas[..] else {
        anyhow::bail!("one change led to {} deltas", deltas.len())
    };
    Ok(delta.clone())
}

/// Fixed header, remaining length, topic with its length, packet identifier, payload (MQTT 3.1.1, 3.3).
fn packet(publication: &Publication) -> usize {
    let remaining = 2 + publication.topic.len() + 2 + publication.payload.len();
    let digits = match remaining {
        0..128 => 1,
        128..16_384 => 2,
        16_384..2_097_152 => 3,
        _ => 4,
    };
    1 + digits + remaining
}
