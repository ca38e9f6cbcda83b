//! The description of the interface (OpenAPI), made from the handlers.

use super::problem::Problem;
use axum::http::header::CONTENT_TYPE;
use axum::response::IntoResponse;
use std::sync::Arc;
use utoipa::openapi::OpenApi;
use utoipa::openapi::security::{HttpAuthScheme, HttpBuilder, SecurityScheme};

/// What the description begins with.
#[derive(utoipa::OpenApi)]
#[openapi(
    info(
        title = "Goodstanding",
        description = "Members, cards, doors and what happened at them. Times are RFC 3339, money is integer minor units.",
    ),
    components(schemas(Problem)),
    modifiers(&Token),
    security(("token" = []))
)]
pub struct Document;

struct Token;

impl utoipa::Modify for Token {
    fn modify(&self, document: &mut OpenApi) {
        let bearer = HttpBuilder::new()
            .scheme(HttpAuthScheme::Bearer)
            .description(Some("The server's ADMIN_TOKEN"))
            .build();
        let components = document.components.get_or_insert_default();
        components.add_security_scheme("token", SecurityScheme::Http(bearer));
    }
}

/// The description as it is sent.
pub fn text(document: &OpenApi) -> Arc<str> {
    document
        .to_json()
        .expect("plain data with text keys")
        .into()
}

/// Answers with the description.
pub fn answer(text: &str) -> impl IntoResponse + use<> {
    ([(CONTENT_TYPE, "application/json")], text.to_owned())
}
