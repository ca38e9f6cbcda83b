//! What is kept about a member: as a file, and erased. For members themselves, and for staff on their behalf.

use super::look::Look;
use super::{see, shown};
use crate::own::BY_ADDRESS;
use crate::web::Here;
use crate::web::extract::At;
use crate::web::kept::{self, ErasureView};
use crate::web::own::Own;
use crate::web::problem::{Answer, Problem};
use askama::Template;
use axum::Json;
use axum::http::header::CONTENT_DISPOSITION;
use axum::response::{IntoResponse as _, Response};
use shared::ids::MemberId;

/// All that is kept about whoever asks, as a file.
pub async fn export(own: Own, look: Look) -> Answer<Response> {
    // The whole inbox is looked through for it.
    let now = own.now();
    if !own
        .asked()
        .exports
        .may(&own.member.to_string(), BY_ADDRESS, now)
    {
        return Err(Problem::too_often());
    }
    file(&own.here, &look, own.member).await
}

/// The same for staff, about a member.
pub async fn export_of(state: Here, look: Look, At(member): At<MemberId>) -> Answer<Response> {
    file(&state, &look, member).await
}

async fn file(state: &Here, look: &Look, member: MemberId) -> Answer<Response> {
    let kept = kept::kept(state, member, look.words.spoken()).await?;
    let name = format!("attachment; filename=\"member-{member}.json\"");
    Ok(([(CONTENT_DISPOSITION, name)], Json(kept)).into_response())
}

/// Asks whether somebody really wants that, and says what it does.
#[derive(Template)]
#[template(path = "own_forget.html")]
struct Page {
    look: Look,
    wish: Option<ErasureView>,
}

/// What it would do.
pub async fn show(own: Own, look: Look) -> Answer<Response> {
    let mut tx = own.app.store.begin_read().await?;
    let wish = kept::waiting(&mut tx, own.member).await?;
    Ok(shown(&Page { look, wish }))
}

/// Begins to forget whoever asks.
pub async fn ask(own: Own, look: Look) -> Answer<Response> {
    drop(kept::erase(own.here.clone(), At(own.member)).await?);
    Ok(see(&look.to("/me")))
}

/// Takes that back.
pub async fn take_back(own: Own, look: Look) -> Answer<Response> {
    kept::keep(own.here.clone(), At(own.member)).await?;
    Ok(see(&look.to("/me")))
}

/// Begins to forget a member, for staff.
pub async fn ask_for(state: Here, look: Look, At(member): At<MemberId>) -> Answer<Response> {
    drop(kept::erase(state, At(member)).await?);
    Ok(see(&look.to(&format!("/admin/members/{member}"))))
}

/// Takes that back, for staff.
pub async fn take_back_for(state: Here, look: Look, At(member): At<MemberId>) -> Answer<Response> {
    kept::keep(state, At(member)).await?;
    Ok(see(&look.to(&format!("/admin/members/{member}"))))
}
