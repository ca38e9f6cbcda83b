//! Who asks, and what that lets them do.

use super::State;
use super::problem::{Answer, Problem};
use crate::app::Work;
use crate::rights::Role;
use crate::store::attention::{AuditLine, audit};
use crate::store::to_json;
use axum::extract::FromRequestParts;
use axum::http::request::Parts;
use serde::{Deserialize, Serialize};
use shared::ids::MemberId;
use std::ops::Deref;
use std::sync::Arc;

/// Who was let in, and as what.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Who {
    /// As the audit log has it: `admin` for the holder of the token, or `staff` and a number.
    pub actor: String,
    /// What they may do.
    pub role: Role,
    /// Whose session it is, and which; none for the holder of the token.
    pub session: Option<(i64, i64)>,
}

impl Who {
    /// The holder of the server's own token.
    pub fn token() -> Self {
        Self {
            actor: "admin".to_owned(),
            role: Role::Owner,
            session: None,
        }
    }
}

/// How things were before and after, in the audit log.
#[derive(Serialize, Deserialize)]
pub struct Change<T> {
    /// None: there was nothing.
    #[serde(skip_serializing_if = "Option::is_none", default = "Option::default")]
    pub before: Option<T>,
    /// None: there is nothing any more.
    #[serde(skip_serializing_if = "Option::is_none", default = "Option::default")]
    pub after: Option<T>,
}

/// The state as handlers get it whom only those reach who were let in.
#[derive(Clone)]
pub struct Here {
    state: Arc<State>,
    /// Who asks.
    pub who: Who,
}

impl Deref for Here {
    type Target = Arc<State>;

    fn deref(&self) -> &Arc<State> {
        &self.state
    }
}

impl FromRequestParts<Arc<State>> for Here {
    type Rejection = Problem;

    /// Nobody, unless whoever guards the route has let somebody in.
    async fn from_request_parts(parts: &mut Parts, state: &Arc<State>) -> Result<Self, Problem> {
        let who = parts.extensions.get::<Who>().cloned();
        Ok(Self {
            state: state.clone(),
            who: who.ok_or_else(Problem::unauthorised)?,
        })
    }
}

impl Here {
    /// A member at their own pages: the audit log names them, and no right of staff comes with it.
    pub fn of_member(state: &Arc<State>, member: MemberId) -> Self {
        Self {
            state: state.clone(),
            who: Who {
                actor: format!("member {member}"),
                role: Role::ReadOnly,
                session: None,
            },
        }
    }

    /// Somebody who was looked for outside the guard.
    pub fn of(state: &Arc<State>, who: Who) -> Self {
        Self {
            state: state.clone(),
            who,
        }
    }

    /// As the audit log has whoever asks.
    pub fn actor(&self) -> &str {
        &self.who.actor
    }

    /// Goes on only if whoever asks may do this.
    pub fn may(&self, action: &str) -> Answer<()> {
        if self.who.role.may(action) {
            Ok(())
        } else {
            Err(Problem::forbidden())
        }
    }

    /// Writes down what was done.
    pub fn note(&self, work: &mut Work, action: &str, member: Option<MemberId>, cause: &str) {
        self.write(work, (action, member, cause), None);
    }

    /// Writes down what was done, and how things were before and after.
    pub fn note_change<T: Serialize>(
        &self,
        work: &mut Work,
        (action, member, cause): (&str, Option<MemberId>, &str),
        [before, after]: [Option<&T>; 2],
    ) {
        let body = to_json(&Change { before, after });
        self.write(work, (action, member, cause), Some(&body));
    }

    fn write(
        &self,
        work: &mut Work,
        (action, member, cause): (&str, Option<MemberId>, &str),
        body: Option<&str>,
    ) {
        let line = AuditLine {
            actor: self.actor(),
            action,
            member,
            cause,
            body,
        };
        audit(&mut work.tx, &self.app.organisation, work.now, line);
    }
}
