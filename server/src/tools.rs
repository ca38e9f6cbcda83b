//! What the command line does beside serving.

use crate::app::App;
use crate::billing::catalogue::{self, Listing};
use crate::billing::import::{Import, ImportError};
use crate::billing::reconcile::Repair;
use crate::billing::replay::ReplayError;
use crate::billing::retrofit::Retrofit;
use crate::billing::roll;
use crate::clock;
use crate::membership::clock::Run;
use crate::staff::{INVITED, digest};
use crate::store::attention::{AuditLine, audit};
use crate::store::{lists, staff};
use anyhow::Context as _;
use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use shared::allow_list::Epoch;
use shared::ids::MemberId;
use shared::time::Timestamp;

/// Reads a moment in RFC 3339.
#[must_use]
pub fn moment(text: &str) -> Option<Timestamp> {
    Some(Timestamp(
        text.parse::<jiff::Timestamp>().ok()?.as_millisecond(),
    ))
}

/// Compares everything with Stripe; in lines of text what differs, who comes in and who goes out by it.
pub async fn reconcile(app: &App, repair: Repair) -> anyhow::Result<Vec<String>> {
    let done = app.reconcile(repair, clock::now).await?;
    let mut lines = Vec::new();
    for difference in &done.differences {
        let words = difference.words.join("; ");
        lines.push(match &difference.customer {
            Some(customer) => format!("{} of {customer}: {words}", difference.subject),
            None => format!("{}: {words}", difference.subject),
        });
        let moved = [
            ("comes in", &difference.gained),
            ("goes out", &difference.lost),
        ];
        for (how, members) in moved {
            lines.extend(
                members
                    .iter()
                    .map(|member| format!("    member {member} {how}")),
            );
        }
    }
    let count = done.differences.len();
    lines.push(format!(
        "subscriptions {}, differences {count}",
        done.listed
    ));
    if !done.held.is_empty() {
        lines.push(format!(
            "{} members would lose access at once and keep it: see who, then say --yes",
            done.held.len()
        ));
    }
    Ok(lines)
}

/// Reads what is to be brought in; every wrong line is named.
pub fn import_wish(
    roll: &[u8],
    link: Vec<String>,
    write: bool,
    approved: bool,
) -> anyhow::Result<Import> {
    let rows = roll::read(roll).map_err(ImportError::Rows)?;
    let link = link.into_iter().collect();
    Ok(Import {
        rows,
        link,
        write,
        approved,
    })
}

/// Brings members in; in lines of text what was done, what is proposed, and what to look at.
pub async fn import(app: &App, wish: &Import) -> anyhow::Result<Vec<String>> {
    let (done, _) = app.import(wish, "command line", clock::now).await?;
    let mut lines = Vec::new();
    for (customer, member, by) in &done.linked {
        lines.push(format!("{customer} is member {member}, by {by}"));
    }
    for (customer, member) in &done.proposed {
        lines.push(format!(
            "{customer} has the mail address of member {member}: is it theirs?"
        ));
    }
    for customer in &done.without_member {
        lines.push(format!("{customer} pays for a membership and is nobody's"));
    }
    for member in &done.without_customer {
        lines.push(format!("member {member} has no customer at Stripe"));
    }
    lines.extend(done.notes.iter().map(|note| format!("look: {note}")));
    lines.push(format!(
        "members made {}, found {}; customers linked {}, proposed {}; {} members come in",
        done.made.len(),
        done.found.len(),
        done.linked.len(),
        done.proposed.len(),
        done.gained.len()
    ));
    if !done.proposed.is_empty() {
        let all: Vec<&str> = done.proposed.iter().map(|(id, _)| id.as_str()).collect();
        lines.push(format!(
            "To say yes to all proposals shown: --link {}",
            all.join(",")
        ));
    }
    if !wish.write {
        lines.push("Nothing was changed; leave out --dry-run to do it.".to_owned());
    }
    Ok(lines)
}

/// Applies every stored event once more; what is known stays, and nothing is doubled.
pub async fn replay(app: &App, approved: bool) -> anyhow::Result<Vec<String>> {
    let done = match app.replay(approved, clock::now()).await {
        Err(ReplayError::Braked(lost)) => anyhow::bail!(
            "{} members would lose access at once, so nothing was changed: {}. With --yes it is done all the same",
            lost.len(),
            list(&lost)
        ),
        done => done?,
    };
    let unread = done.unreadable.iter();
    let mut lines: Vec<String> = unread
        .map(|id| format!("event {id} in the inbox cannot be read"))
        .collect();
    for (who, how) in [(&done.gained, "come in"), (&done.lost, "go out")] {
        if !who.is_empty() {
            lines.push(format!("members who {how}: {}", list(who)));
        }
    }
    lines.push(format!("events {}", done.events));
    Ok(lines)
}

fn list(members: &[MemberId]) -> String {
    let all: Vec<String> = members.iter().map(ToString::to_string).collect();
    all.join(", ")
}

/// The catalogue as text, as Stripe lists it if there is a key.
pub async fn catalogue(app: &App) -> anyhow::Result<Vec<String>> {
    let now = clock::now();
    let (listing, _) = app.list_catalogue(now).await?;
    let mut work = app.work(now).await?;
    let offers = app.offers(&mut work).await?;
    let mut lines = catalogue::table(&offers);
    match listing {
        Listing::Whole => {}
        Listing::Seen => lines.push(
            "This is what events showed; with STRIPE_SECRET_KEY set Stripe lists all of it."
                .to_owned(),
        ),
        Listing::Unread(why) => lines.push(format!("This is what was known before: {why}.")),
    }
    Ok(lines)
}

/// Shows what a retrofit writes and changes; does it if `yes`.
pub async fn retrofit(app: &App, wish: &Retrofit, yes: bool) -> anyhow::Result<Vec<String>> {
    let now = clock::now();
    let outcome = if yes {
        app.retrofit(wish, "command line", now).await?.0
    } else {
        app.preview_retrofit(wish, now).await?
    };
    let place = if wish.metadata {
        "metadata `membertype`"
    } else {
        "nickname"
    };
    let before = outcome.before.as_deref().unwrap_or("");
    let mut lines = vec![
        format!("{place} of price {}:", wish.price),
        format!("    before  `{before}`"),
        format!("    after   `{}`", outcome.after),
        format!(
            "{} members gain access, {} lose it, the standing of {} changes",
            outcome.gained.len(),
            outcome.lost.len(),
            outcome.changed
        ),
    ];
    lines.push(if yes {
        "It is written.".to_owned()
    } else {
        "Nothing was written; add --yes to do it.".to_owned()
    });
    Ok(lines)
}

/// Begins a new line of history: doors take whole lists again and accept that numbers start over.
pub async fn new_epoch(app: &App) -> anyhow::Result<()> {
    if app.billing.stripe.is_some() {
        reconcile(app, Repair::Careful)
            .await
            .context("a new epoch begins with what Stripe says now")?;
    }
    let now = clock::now();
    let mut work = app.work(now).await?;
    if let Run::Braked { lost } = app.derive_all(&mut work, "new epoch", false).await? {
        app.finish(work).await?;
        anyhow::bail!(
            "{} members would lose access: look at the attention list first",
            lost.len()
        );
    }
    for (zone, head) in lists::zones(&mut work.tx, &app.organisation).await? {
        let mut id = [0; 8];
        app.with_random(|random| random.fill_bytes(&mut id));
        let epoch = Epoch {
            number: head.revision.epoch.number + 1,
            id,
        };
        lists::begin_epoch(&mut work.tx, &app.organisation, &zone, epoch).await?;
        tracing::info!(
            zone = zone.as_str(),
            epoch = epoch.number,
            "a new epoch has begun"
        );
    }
    app.finish(work).await?;
    Ok(())
}

/// The people with rights, a line each: number, role, mail address, and whether they have come.
pub async fn staff(app: &App) -> anyhow::Result<Vec<String>> {
    let mut tx = app.store.begin_read().await?;
    let all = staff::all(&mut tx, &app.organisation).await?;
    let line = |one: staff::Staff| {
        let came = if one.password.is_some() {
            ""
        } else {
            ", invited"
        };
        format!("{} {} {}{came}", one.id, one.role.word(), one.mail)
    };
    Ok(all.into_iter().map(line).collect())
}

/// Lets somebody with rights choose anew how to sign in; the path of the page where that is done.
///
/// # Errors
/// If nobody with rights has this mail address.
pub async fn invite(app: &App, mail: &str) -> anyhow::Result<String> {
    let mut work = app.work(clock::now()).await?;
    let known = staff::by_mail(&mut work.tx, &app.organisation, mail).await?;
    let known = known
        .context("nobody with rights has this mail address: `goodstanding admin` lists them")?;
    let mut bytes = [0; 32];
    app.with_random(|random| random.fill_bytes(&mut bytes));
    let link = URL_SAFE_NO_PAD.encode(bytes);
    staff::invite(&mut work.tx, known.id, &digest(&link), work.now + INVITED).await?;
    let line = AuditLine {
        actor: "command line",
        action: "staff.invite",
        member: None,
        cause: &format!("staff {}", known.id),
        body: None,
    };
    audit(&mut work.tx, &app.organisation, work.now, line);
    work.tx.commit().await?;
    Ok(format!("/admin/welcome?invitation={link}"))
}

/// Reads the whole audit log and says that it is whole.
///
/// # Errors
/// With the first line that was changed or is gone.
pub async fn check_audit(app: &App) -> anyhow::Result<String> {
    let mut tx = app.store.begin_read().await?;
    match crate::store::audit::verify(&mut tx, &app.organisation).await? {
        Ok(lines) => Ok(format!("audit log: whole, {lines} lines in its chain")),
        Err(broken) => anyhow::bail!("the audit log is not whole: {}", broken.said().english()),
    }
}
