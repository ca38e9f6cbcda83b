//! A member at their own pages: what handlers there get, which is about nobody else.

use super::problem::{Answer, Problem};
use super::{Here, State};
use axum::extract::{ConnectInfo, FromRequestParts};
use axum::http::request::Parts;
use shared::ids::MemberId;
use std::convert::Infallible;
use std::net::{IpAddr, Ipv6Addr, SocketAddr};
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

/// Whoever has one address of IPv6 has 2^64 of them (RFC 6177).
fn network(address: IpAddr) -> String {
    match address.to_canonical() {
        IpAddr::V6(address) => {
            let [a, b, c, d, ..] = address.segments();
            Ipv6Addr::new(a, b, c, d, 0, 0, 0, 0).to_string()
        }
        IpAddr::V4(address) => address.to_string(),
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
        let told = told.filter(|_| peer.is_loopback()).map(str::trim);
        Ok(Self(match told.map(|told| (told, told.parse())) {
            Some((_, Ok(told))) => network(told),
            Some((told, Err(_))) => told.to_owned(),
            None => network(peer),
        }))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn many_addresses_of_one_line_are_one_network() {
        let of = |text: &str| network(text.parse().expect("an address"));
        assert_eq!(of("2001:db8:1:2:3::4"), of("2001:db8:1:2:ffff::1"));
        assert_ne!(of("2001:db8:1:2::1"), of("2001:db8:1:3::1"));
        assert_eq!(of("::ffff:192.0.2.1"), of("192.0.2.1"));
        assert_ne!(of("192.0.2.1"), of("192.0.2.2"));
    }
}
