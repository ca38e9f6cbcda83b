//! One connection of the embedded broker, and what it was admitted with.

use super::access::Access;
use mqtt5::Result as MqttResult;
use mqtt5::broker::auth::{AuthProvider, AuthResult};
use mqtt5::packet::connect::ConnectPacket;
use mqtt5::protocol::v5::reason_codes::ReasonCode;
use std::future::{Future, pending, ready};
use std::net::SocketAddr;
use std::pin::Pin;
use std::sync::{Arc, OnceLock};
use tokio::sync::Notify;

/// Stands between one connection and [`Access`], and remembers what the connection was admitted with.
pub(super) struct Gate {
    access: Arc<dyn Access>,
    admitted: OnceLock<Admitted>,
    admission: Notify,
}

struct Admitted {
    client_id: String,
    username: String,
    edition: u64,
}

impl Gate {
    pub(super) fn new(access: Arc<dyn Access>) -> Self {
        Self {
            access,
            admitted: OnceLock::new(),
            admission: Notify::new(),
        }
    }

    pub(super) fn client_id(&self) -> &str {
        self.admitted
            .get()
            .map_or("", |admitted| &admitted.client_id)
    }

    /// Ends when the connection's user is no longer granted exactly what it was admitted with.
    pub(super) async fn withdrawn(&self) {
        let mut changes = self.access.changes();
        let admitted = loop {
            self.admission.notified().await;
            if let Some(admitted) = self.admitted.get() {
                break admitted;
            }
        };
        while self.access.edition(&admitted.username) == Some(admitted.edition) {
            if changes.changed().await.is_err() {
                return pending().await;
            }
        }
    }

    async fn admit(&self, connect: &ConnectPacket) -> AuthResult {
        let (Some(username), Some(password)) = (&connect.username, &connect.password) else {
            return AuthResult::fail(ReasonCode::NotAuthorized);
        };
        // Read before the password is checked: a change in between ends the session instead of being missed.
        let edition = self.access.edition(username);
        let authentic = self
            .access
            .authenticate(&connect.client_id, username, password)
            .await;
        let Some(edition) = edition.filter(|_| authentic) else {
            return AuthResult::fail(ReasonCode::BadUsernameOrPassword);
        };
        if connect
            .will
            .as_ref()
            .is_some_and(|will| !self.access.may_publish(username, &will.topic))
        {
            return AuthResult::fail(ReasonCode::NotAuthorized);
        }
        let admitted = Admitted {
            client_id: connect.client_id.clone(),
            username: username.clone(),
            edition,
        };
        if self.admitted.set(admitted).is_err() {
            return AuthResult::fail(ReasonCode::ProtocolError);
        }
        self.admission.notify_one();
        AuthResult::success_with_user(username)
    }
}

type Answer<'a, T> = Pin<Box<dyn Future<Output = T> + Send + 'a>>;

impl AuthProvider for Gate {
    fn authenticate<'a>(
        &'a self,
        connect: &'a ConnectPacket,
        _: SocketAddr,
    ) -> Answer<'a, MqttResult<AuthResult>> {
        Box::pin(async move { Ok(self.admit(connect).await) })
    }

    fn authorize_publish<'a>(
        &'a self,
        _: &str,
        user: Option<&'a str>,
        topic: &'a str,
    ) -> Answer<'a, bool> {
        Box::pin(ready(
            user.is_some_and(|user| self.access.may_publish(user, topic)),
        ))
    }

    fn authorize_subscribe<'a>(
        &'a self,
        _: &str,
        user: Option<&'a str>,
        filter: &'a str,
    ) -> Answer<'a, bool> {
        Box::pin(ready(
            user.is_some_and(|user| self.access.may_subscribe(user, filter)),
        ))
    }
}
