//! Stories of the whole building. Each is told in all three ways in.

/// Tells each story once for every way in.
macro_rules! stories {
    ($($(#[$attribute:meta])* fn $name:ident($way:ident: WayIn) $story:block)*) => {$(
        mod $name {
            #[expect(clippy::allow_attributes, reason = "not every story needs every word")]
            #[allow(unused_imports, reason = "not every story needs every word")]
            use super::*;

            fn story($way: tests::building::WayIn) $story

            $(#[$attribute])*
            #[test]
            fn with_webhook_and_key() {
                story(tests::building::WayIn::WebhookAndKey);
            }

            $(#[$attribute])*
            #[test]
            fn with_webhook_only() {
                story(tests::building::WayIn::WebhookOnly);
            }

            $(#[$attribute])*
            #[test]
            fn with_pull() {
                story(tests::building::WayIn::Pull);
            }
        }
    )*};
}

mod paying;
