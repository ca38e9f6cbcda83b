//! Stories of the whole building. Each is told in all three ways in, and in one of them in any order.

/// Tells each story once for every way in, and once more with its deliveries doubled and in any order.
macro_rules! stories {
    ($(fn $name:ident($way:ident: WayIn) $story:block)*) => {$(
        mod $name {
            use super::*;

            fn story($way: tests::building::WayIn) $story

            #[test]
            fn with_webhook_and_key() {
                story(tests::building::WayIn::WebhookAndKey);
            }

            #[test]
            fn with_webhook_only() {
                story(tests::building::WayIn::WebhookOnly);
            }

            #[test]
            fn with_pull() {
                story(tests::building::WayIn::Pull);
            }

            #[test]
            fn in_any_order() {
                tests::building::any_order::same_end(module_path!(), story);
            }
        }
    )*};
}

mod attending;
mod banks;
mod cancelling;
mod changing_plans;
mod crashing;
mod deliveries;
mod distrust;
mod explaining;
mod failing;
mod guarding;
mod hearsay;
mod importing;
mod late;
mod linking;
mod money;
mod nothing_configured;
mod offline;
mod pausing;
mod paying;
mod reconciling;
mod selling;
mod sharing;
mod states;
mod stripe_trouble;
mod telling;
mod thin;
mod together;
mod twists;
mod upgrading;
