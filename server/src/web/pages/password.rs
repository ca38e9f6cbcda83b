//! One's own password, changed by whoever knows the one before.

use super::form::Form;
use super::look::Look;
use super::passkeys::fresh;
use super::see;
use crate::staff::{Password, may_try};
use crate::store::staff as table;
use crate::web::Here;
use crate::web::problem::{Answer, Problem};
use axum::response::Response;
use serde::Deserialize;

/// The password before, and from now on.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub struct NewPassword {
    #[serde(default)]
    current: String,
    #[serde(default)]
    password: String,
}

/// Changes the password of whoever asks; their other sessions end.
pub async fn change(state: Here, look: Look, Form(typed): Form<NewPassword>) -> Answer<Response> {
    let places = (state.passwords.place(), state.passwords.place());
    let (Some(one), Some(other)) = places else {
        return Err(Problem::busy());
    };
    let mut work = state.work().await?;
    let (id, session) = fresh(&state, &mut work).await?;
    let person = table::find(&mut work.tx, &state.app.organisation, id).await?;
    let person = person.ok_or_else(Problem::signed_out)?;
    if may_try(person.failures, person.failed_at).is_some_and(|from| work.now < from) {
        return Err(Problem::field("current", look.words.say("sign-in-wait")));
    }
    let password = Password::typed(typed.password);
    if !password.is_good(&[&person.name, &person.mail, &look.club]) {
        let weak = look.words.say("welcome-password-weak");
        return Err(Problem::field("password", weak));
    }
    // Counted before it is looked at, like any other try.
    table::failed(&mut work.tx, id, work.now).await?;
    work.tx.commit().await?;
    let current = Password::typed(typed.current);
    if !state
        .passwords
        .fits(one, current, person.password.clone())
        .await
    {
        return Err(Problem::field("current", look.words.say("password-wrong")));
    }
    let mut salt = [0; 16];
    state.app.with_random(|random| random.fill_bytes(&mut salt));
    let hashed = state.passwords.hash(other, password, salt).await;
    let hashed = hashed.ok_or_else(Problem::fault)?;
    let mut work = state.work().await?;
    table::put_password(&mut work.tx, id, &hashed).await?;
    table::end_others(&mut work.tx, id, session).await?;
    state.note(&mut work, "staff.password", None, &format!("staff {id}"));
    work.tx.commit().await?;
    Ok(see(&look.to("/admin/me")))
}
