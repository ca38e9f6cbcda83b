//! What each paired agent may do on the embedded broker, read from the database.

use super::broker::AgentGrant;
use crate::app::{App, Step};
use crate::store::agents;
use shared::ids::AgentId;

/// Every agent that may connect.
pub async fn read(app: &App) -> Step<Vec<(AgentId, AgentGrant)>> {
    let mut tx = app.store.begin_read().await?;
    let mut grants = Vec::new();
    for agent in agents::all(&mut tx, &app.organisation).await? {
        let Some(password_sha256) = agent.password.filter(|_| agent.revoked_at.is_none()) else {
            continue;
        };
        let doors = agents::doors(&mut tx, &app.organisation, &agent.id).await?;
        let grant = AgentGrant {
            organisation: app.organisation.clone(),
            password_sha256,
            zones: doors.iter().map(|door| door.zone.clone()).collect(),
            doors: doors.into_iter().map(|door| door.door).collect(),
        };
        grants.push((agent.id, grant));
    }
    Ok(grants)
}
