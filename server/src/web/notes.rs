//! Notes: what staff remember of a member. They are added and erased, never changed.

use super::Here;
use super::extract::{At, Body};
use super::members::expect_member;
use super::problem::{Answer, Problem};
use super::values::{Moment, Remark};
use crate::said::Said;
use crate::store::member_notes::{self, NoteRow};
use axum::Json;
use axum::http::StatusCode;
use serde::{Deserialize, Serialize};
use shared::ids::MemberId;
use utoipa::ToSchema;

/// A note about a member.
#[derive(Debug, Serialize, ToSchema)]
pub struct Note {
    /// Its number.
    pub id: i64,
    /// About whom.
    pub member: i64,
    /// What it says; none: it was erased.
    pub text: Option<String>,
    /// By whom.
    pub made_by: String,
    /// When.
    pub made_at: Moment,
    /// Who erased it.
    pub erased_by: Option<String>,
    /// When.
    pub erased_at: Option<Moment>,
}

impl From<NoteRow> for Note {
    fn from(row: NoteRow) -> Self {
        Self {
            id: row.id,
            member: row.member,
            text: row.text,
            made_by: row.made_by,
            made_at: Moment::of(row.made_at),
            erased_by: row.erased_by,
            erased_at: row.erased_at.map(Moment::of),
        }
    }
}

/// Notes about a member, newest first
#[utoipa::path(get, path = "/api/v1/members/{member}/notes", tag = "members", params(("member" = i64, Path)),
    responses((status = OK, body = Vec<Note>), Problem))]
pub async fn list(state: Here, At(member): At<MemberId>) -> Answer<Json<Vec<Note>>> {
    let mut tx = state.app.store.begin_read().await?;
    expect_member(&state, &mut tx, "member", member)
        .await
        .map_err(|_| Problem::not_found("member"))?;
    let rows = member_notes::of(&mut tx, member).await?;
    Ok(Json(rows.into_iter().map(Note::from).collect()))
}

/// What is to be written down.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct NewNote {
    /// What it says.
    pub text: Remark,
}

/// Write a note about a member
#[utoipa::path(post, path = "/api/v1/members/{member}/notes", tag = "members", params(("member" = i64, Path)),
    request_body = NewNote, responses((status = CREATED, body = Note), Problem))]
pub async fn create(
    state: Here,
    At(member): At<MemberId>,
    Body(body): Body<NewNote>,
) -> Answer<(StatusCode, Json<Note>)> {
    let (organisation, mut work) = (&state.app.organisation, state.work().await?);
    expect_member(&state, &mut work.tx, "member", member)
        .await
        .map_err(|_| Problem::not_found("member"))?;
    let (what, now) = ((body.text.as_str(), state.actor()), work.now);
    let id = member_notes::add(&mut work.tx, organisation, member, what, now).await?;
    state.note(&mut work, "note.write", Some(member), &format!("note {id}"));
    let row = member_notes::find(&mut work.tx, organisation, id).await?;
    let row = row.ok_or(Problem::fault())?;
    state.done(work).await?;
    Ok((StatusCode::CREATED, Json(row.into())))
}

/// Erase a note: who wrote it and when is kept, what it said is not
#[utoipa::path(post, path = "/api/v1/notes/{note}/erase", tag = "members", params(("note" = i64, Path)),
    responses((status = OK, body = Note), Problem))]
pub async fn erase(state: Here, At(id): At<i64>) -> Answer<Json<Note>> {
    let (organisation, mut work) = (&state.app.organisation, state.work().await?);
    let row = member_notes::find(&mut work.tx, organisation, id).await?;
    let row = row.ok_or(Problem::not_found("note"))?;
    let now = work.now;
    if !member_notes::erase(&mut work.tx, id, state.actor(), now).await? {
        return Err(Problem::conflict("note", Said::of("refused-erased-before")));
    }
    let member = MemberId(row.member);
    state.note(&mut work, "note.erase", Some(member), &format!("note {id}"));
    let row = member_notes::find(&mut work.tx, organisation, id).await?;
    let row = row.ok_or(Problem::fault())?;
    state.done(work).await?;
    Ok(Json(row.into()))
}
