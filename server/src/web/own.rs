//! A member at their own pages: what handlers there get, which is about nobody else.

use super::problem::{Answer, Problem};
use super::{Here, State};
use axum::extract::{ConnectInfo, FromRequestParts};
use axum::http::request::Parts;
use shared::ids::MemberId;
use std::convert::Infallible;
use std::net::SocketAddr;
use std::ops::Deref;
use std::sync::Arc;

/// Who is signed in, and by which session.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Visitor {
    /// Who.
    pub member: MemberId,
    /// By which.
    pub session: i64,
}

/// The state as handlers get it whom a member reaches for themselves.
pub struct Own {
    /// As handlers take it that are for staff, too.
    pub here: Here,
    /// Who.
    pub member: MemberId,
    /// By which session.
    pub session: i64,
}

impl Deref for Own {
    type Target = Arc<State>;

    fn deref(&self) -> &Arc<State> {
        &self.here
    }
}

impl FromRequestParts<Arc<State>> for Own {
    type Rejection = Problem;

    /// Nobody, unless whoever guards the route has let somebody in.
    async fn from_request_parts(parts: &mut Parts, state: &Arc<State>) -> Answer<Self> {
        let visitor = parts.extensions.get::<Visitor>().copied();
        let Visitor { member, session } = visitor.ok_or_else(Problem::signed_out)?;
        let here = Here::of_member(state, member);
        Ok(Self {
            here,
            member,
            session,
        })
    }
}

/// From which network a request comes, to count by and for nothing else: behind a proxy on this machine, as that says.
pub struct Source(pub String);

impl<S: Send + Sync> FromRequestParts<S> for Source {
    type Rejection = Infallible;

    async fn from_request_parts(parts: &mut Parts, _: &S) -> Result<Self, Infallible> {
        let peer = parts.extensions.get::<ConnectInfo<SocketAddr>>();
        let Some(peer) = peer.map(|ConnectInfo(peer)| peer.ip()) else {
            return Ok(Self(String::new()));
        };
        let told = parts.headers.get("x-forwarded-for");
        let told = told.and_then(|told| told.to_str().ok()?.rsplit(',').next());
        Ok(Self(match told.filter(|_| peer.is_loopback()) {
            Some(told) => told.trim().to_owned(),
            None => peer.to_string(),
        }))
    }
}
