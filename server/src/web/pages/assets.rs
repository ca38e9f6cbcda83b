//! Style and script, within the binary; an address changes with what is behind it.

use axum::extract::Path;
use axum::http::header::{CACHE_CONTROL, CONTENT_TYPE, ETAG};
use axum::http::{HeaderValue, StatusCode};
use axum::response::{IntoResponse, Response};
use rust_embed::Embed;

#[derive(Embed)]
#[folder = "static"]
struct Files;

/// The address of a file, below the organisation's own.
pub fn address(name: &str) -> String {
    let hash = Files::get(name).map_or([0; 32], |file| file.metadata.sha256_hash());
    let mark: String = hash[..6].iter().map(|byte| format!("{byte:02x}")).collect();
    format!("/static/{name}?{mark}")
}

/// A file.
pub async fn file(Path(name): Path<String>) -> Response {
    let Some(file) = Files::get(&name) else {
        return StatusCode::NOT_FOUND.into_response();
    };
    let kind = match name.rsplit_once('.').map(|(_, ending)| ending) {
        Some("css") => "text/css; charset=utf-8",
        Some("js") => "text/javascript; charset=utf-8",
        Some("svg") => "image/svg+xml",
        Some(_) | None => "application/octet-stream",
    };
    let tag = address(&name);
    let tag = tag.rsplit_once('?').map_or("", |(_, mark)| mark);
    let mut response = file.data.into_owned().into_response();
    let headers = response.headers_mut();
    headers.insert(CONTENT_TYPE, HeaderValue::from_static(kind));
    headers.insert(
        CACHE_CONTROL,
        HeaderValue::from_static("public, max-age=31536000, immutable"),
    );
    if let Ok(tag) = HeaderValue::from_str(&format!("\"{tag}\"")) {
        headers.insert(ETAG, tag);
    }
    response
}
