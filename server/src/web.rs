//! HTTP: for Stripe, for agents that are paired, for machines that watch, and for admins under `/api/v1`.

use crate::app::{App, ConnectedAccount, Work};
use crate::doors::publish::Publication;
use crate::drive::Bells;
use crate::membership::clock::Run;
use crate::own::Asked;
use crate::serve::BrokerAddress;
use crate::staff::{Passwords, Strangers};
use crate::store::{StoreError, rulebook};
use axum::Router;
use axum::extract::DefaultBodyLimit;
use axum::http::HeaderValue;
use axum::http::header::{
    CACHE_CONTROL, CONTENT_SECURITY_POLICY, REFERRER_POLICY, STRICT_TRANSPORT_SECURITY,
    X_CONTENT_TYPE_OPTIONS,
};
use axum::middleware::{from_fn_with_state, map_response, map_response_with_state};
use axum::response::Response;
use axum::routing::{get, post};
use shared::time::Timestamp;
use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use tokio::sync::mpsc::UnboundedSender;
use utoipa::OpenApi;
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

mod access;
mod adopt;
mod agents;
mod attention;
mod audit;
mod auth;
mod badges;
mod books;
mod bulk;
mod card;
mod cards;
mod catalogue;
mod commands;
mod coverage;
mod deeds;
mod discounts;
mod document;
mod doors;
mod explain;
mod extract;
mod gift_cards;
mod import;
mod imports;
mod inbox;
mod inductions;
mod kept;
mod letters;
mod loaners;
mod locked_out;
mod members;
mod notes;
mod notices;
mod once;
mod organisation;
mod own;
mod page;
pub(crate) mod pages;
mod paid_items;
mod pairing;
mod paying_nothing;
mod payments;
mod pins;
mod plan_changes;
mod preview;
mod problem;
mod reconciliation;
mod refusals;
mod resolve;
mod reversals;
mod schedules;
mod standing;
mod start;
mod story;
mod stripe;
mod types;
mod values;
mod watch;
mod webhooks;
mod who;
mod zones;

pub use crate::membership::explain::explain_lines;
pub use commands::{Settled, settle};
pub use problem::{Answer, Problem};
use who::{Here, Who};

/// What every handler may use.
pub struct State {
    /// The server.
    pub app: Arc<App>,
    /// What wakes the drivers.
    pub bells: Bells,
    /// How agents reach the broker.
    pub broker: BrokerAddress,
    admin_token: [u8; 32],
    webhooks: webhooks::Counters,
    pairing: pairing::Limit,
    passwords: Passwords,
    strangers: Mutex<Strangers>,
    asked: Mutex<Asked>,
}

/// The state as handlers get it whom everybody reaches.
type Open = axum::extract::State<Arc<State>>;

/// Everything under one address: the first organisation at its root, every other under `/o/` and its name. Stripe sends
/// the events of all of them to one endpoint.
///
/// # Panics
/// Without any organisation.
pub fn router(organisations: Vec<Arc<State>>) -> Router {
    let webhooks = Router::new()
        .route("/webhooks/stripe", post(webhooks::stripe))
        .method_not_allowed_fallback(|| async { Problem::method() })
        .layer(DefaultBodyLimit::max(crate::billing::receive::MAX_BODY))
        .with_state(Arc::new(Estate::new(&organisations)));
    let mut organisations = organisations.into_iter();
    let first = organisations.next().expect("somebody is served");
    organisations.fold(routes(first).merge(webhooks), |router, state| {
        let prefix = format!("/o/{}", state.app.organisation);
        router.nest(&prefix, routes(state))
    })
}

/// Who an event may be for.
struct Estate {
    /// Who answers for deliveries that are nobody's.
    first: Arc<State>,
    connected: BTreeMap<ConnectedAccount, Arc<State>>,
}

impl Estate {
    fn new(organisations: &[Arc<State>]) -> Self {
        let keyed =
            |state: &Arc<State>| Some((state.app.billing.connected.clone()?, state.clone()));
        Self {
            first: organisations[0].clone(),
            connected: organisations.iter().filter_map(keyed).collect(),
        }
    }

    /// Whose an event of this account may be.
    fn of(&self, account: Option<&str>) -> &Arc<State> {
        let account = account.and_then(ConnectedAccount::new);
        account
            .and_then(|account| self.connected.get(&account))
            .unwrap_or(&self.first)
    }
}

/// All routes of one organisation, by who uses them.
fn routes(state: Arc<State>) -> Router {
    let (admin, api) = OpenApiRouter::with_openapi(document::Document::openapi())
        // --- the organisation and its rules
        .routes(routes!(organisation::show, organisation::change))
        .routes(routes!(organisation::locations))
        .routes(routes!(organisation::location, organisation::put_location))
        .routes(routes!(types::list))
        .routes(routes!(types::show, types::put))
        .routes(routes!(schedules::list))
        .routes(routes!(schedules::show, schedules::put))
        .routes(routes!(schedules::preview))
        .routes(routes!(zones::list))
        .routes(routes!(zones::show, zones::put))
        .routes(routes!(zones::settings))
        .routes(routes!(access::put_all))
        .routes(routes!(access::preview))
        .routes(routes!(access::put, access::remove))
        // --- members
        .routes(routes!(members::list, members::create))
        .routes(routes!(members::show, members::change))
        .routes(routes!(bulk::run))
        .routes(routes!(explain::show))
        .routes(routes!(kept::data))
        .routes(routes!(kept::erase, kept::keep))
        .routes(routes!(import::import))
        .routes(routes!(imports::list, imports::create))
        .routes(routes!(imports::undo))
        .routes(routes!(cards::list, cards::create))
        .routes(routes!(cards::mark))
        .routes(routes!(card::show, card::change))
        .routes(routes!(loaners::list, loaners::create))
        .routes(routes!(loaners::lend))
        .routes(routes!(loaners::take_back))
        .routes(routes!(loaners::remove))
        .routes(routes!(coverage::customers))
        .routes(routes!(coverage::link))
        .routes(routes!(coverage::name_seat, coverage::free_seat))
        .routes(routes!(deeds::grants, deeds::create_grant))
        .routes(routes!(deeds::end_grant))
        .routes(routes!(deeds::holds, deeds::create_hold))
        .routes(routes!(deeds::end_hold))
        .routes(routes!(inductions::list))
        .routes(routes!(inductions::note, inductions::take_back))
        .routes(routes!(notes::list, notes::create))
        .routes(routes!(notes::erase))
        .routes(routes!(pins::set, pins::remove))
        .routes(routes!(payments::list, payments::create))
        .routes(routes!(payments::void))
        .routes(routes!(books::totals))
        .routes(routes!(books::file))
        .routes(routes!(paid_items::list))
        .routes(routes!(paying_nothing::list))
        .routes(routes!(locked_out::list))
        .routes(routes!(reversals::list))
        .routes(routes!(notices::list))
        .routes(routes!(letters::list))
        .routes(routes!(letters::show))
        .routes(routes!(
            letters::text,
            letters::put_text,
            letters::remove_text
        ))
        // --- what is sold
        .routes(routes!(catalogue::list))
        .routes(routes!(catalogue::put_mapping, catalogue::remove_mapping))
        .routes(routes!(catalogue::retrofit))
        .routes(routes!(adopt::adopt))
        .routes(routes!(plan_changes::change))
        .routes(routes!(gift_cards::list, gift_cards::create))
        .routes(routes!(gift_cards::void))
        .routes(routes!(gift_cards::redeem))
        .routes(routes!(gift_cards::credit))
        .routes(routes!(discounts::list, discounts::create))
        // --- doors
        .routes(routes!(agents::list, agents::create))
        .routes(routes!(agents::show))
        .routes(routes!(agents::code))
        .routes(routes!(agents::revoke))
        .routes(routes!(commands::agent))
        .routes(routes!(doors::list))
        .routes(routes!(doors::show, doors::put, doors::remove))
        .routes(routes!(commands::door))
        .routes(routes!(refusals::list))
        // --- what happened
        .routes(routes!(badges::list))
        .routes(routes!(explain::badge))
        .routes(routes!(inbox::list))
        .routes(routes!(inbox::show))
        .routes(routes!(inbox::replay))
        .routes(routes!(stripe::show))
        .routes(routes!(stripe::check))
        .routes(routes!(reconciliation::compare))
        .routes(routes!(start::show))
        .routes(routes!(attention::list))
        .routes(routes!(attention::kinds))
        .routes(routes!(resolve::resolve))
        .routes(routes!(audit::list))
        .routes(routes!(audit::check))
        .split_for_parts();
    let admin = admin.route_layer(from_fn_with_state(state.clone(), auth::admin));
    let (agent, pairing) = OpenApiRouter::new()
        .routes(routes!(pairing::hello))
        .routes(routes!(pairing::pair))
        .split_for_parts();
    let document = document::text(&api.merge_from(pairing));
    Router::new()
        .merge(admin)
        .merge(agent)
        .merge(pages::routes(&state))
        .route(
            "/api/v1/openapi.json",
            get(move || async move { document::answer(&document) }),
        )
        .route("/healthz", get(watch::alive))
        .route("/readyz", get(watch::ready))
        .route("/metrics", get(watch::metrics))
        .fallback(|| async { Problem::not_found("page") })
        .method_not_allowed_fallback(|| async { Problem::method() })
        .layer(DefaultBodyLimit::max(crate::billing::receive::MAX_BODY))
        .layer(map_response(harden))
        .layer(map_response_with_state(state.clone(), stay_with_tls))
        .with_state(state)
}

/// Tells browsers to come by TLS only, if the operator wants that (RFC 6797); they believe it where they came so.
async fn stay_with_tls(state: Open, mut response: Response) -> Response {
    const DAY: u64 = 86_400;
    let told = state
        .app
        .hsts_days
        .map(|days| format!("max-age={}", u64::from(days) * DAY));
    let told = told.and_then(|told| HeaderValue::try_from(told).ok());
    let headers = response.headers_mut();
    headers.extend(told.map(|told| (STRICT_TRANSPORT_SECURITY, told)));
    response
}

/// Tells browsers what an answer is not to be taken for; pages say more of themselves.
async fn harden(mut response: Response) -> Response {
    let headers = response.headers_mut();
    for (name, value) in [
        (
            CONTENT_SECURITY_POLICY,
            "default-src 'none'; frame-ancestors 'none'",
        ),
        (X_CONTENT_TYPE_OPTIONS, "nosniff"),
        (REFERRER_POLICY, "no-referrer"),
        (CACHE_CONTROL, "no-store"),
    ] {
        headers
            .entry(name)
            .or_insert(HeaderValue::from_static(value));
    }
    response
}

impl State {
    /// A state on the drivers' clock; the token as its SHA-256. To be called within the runtime.
    #[must_use]
    pub fn new(
        app: Arc<App>,
        bells: Bells,
        broker: BrokerAddress,
        admin_token: [u8; 32],
    ) -> Arc<Self> {
        let (webhooks, pairing) = (webhooks::Counters::default(), pairing::Limit::default());
        Arc::new(Self {
            app,
            bells,
            broker,
            admin_token,
            webhooks,
            pairing,
            passwords: Passwords::default(),
            strangers: Mutex::default(),
            asked: Mutex::default(),
        })
    }

    fn now(&self) -> Timestamp {
        (self.bells.clock)()
    }

    fn strangers(&self) -> MutexGuard<'_, Strangers> {
        let strangers = self.strangers.lock();
        strangers.unwrap_or_else(PoisonError::into_inner)
    }

    /// What was asked for by whom within the hour.
    fn asked(&self) -> MutexGuard<'_, Asked> {
        let asked = self.asked.lock();
        asked.unwrap_or_else(PoisonError::into_inner)
    }

    /// Begins a change.
    async fn work(&self) -> Answer<Work> {
        Ok(self.app.work(self.now()).await?)
    }

    /// Begins to read, with the rules in force.
    async fn look(&self) -> Answer<Work> {
        let mut tx = self.app.store.begin_read().await?;
        let version = rulebook::ask_version(&mut tx);
        Ok(self.app.work_on(tx, version, self.now()).await?)
    }

    /// After a change of rules: links whoever pays by prices that name a type only now, and derives everybody, unless
    /// too many would lose access by it.
    async fn derive_all(&self, work: &mut Work, cause: &str, approved: bool) -> Answer<()> {
        let before = work.rulebook.clone();
        self.app.reread(work).await?;
        self.app.link_newly_named(work, &before).await?;
        match self.app.derive_all(work, cause, approved).await? {
            Run::Done { .. } => Ok(()),
            Run::Braked { lost } => Err(Problem::braked(lost)),
        }
    }

    /// Commits a change and has it published, even if whoever asked for it has hung up.
    async fn done(&self, work: Work) -> Answer<()> {
        let (app, outbox) = (self.app.clone(), self.bells.outbox.clone());
        let done = tokio::spawn(async move { publish(&app, &outbox, work).await });
        done.await.map_err(|_| Problem::fault())??;
        Ok(())
    }

    /// After a change of agents or doors: the broker's table and the agents' configurations follow.
    fn agents_changed(&self) {
        self.bells.agents.notify_one();
    }
}

/// Runs what Stripe is asked for to its end, even if whoever asked for it has hung up.
async fn through<T: Send + 'static>(run: impl Future<Output = T> + Send + 'static) -> Answer<T> {
    tokio::spawn(run).await.map_err(|_| Problem::fault())
}

async fn publish(
    app: &App,
    outbox: &UnboundedSender<Vec<Publication>>,
    work: Work,
) -> Result<(), StoreError> {
    let now = work.now;
    let mut publications = app.finish(work).await?;
    // Committed: what fails from here on is published later, for doors are told everything anew every minute.
    match app.publish_changes(now).await {
        Ok(changes) => publications.extend(changes),
        Err(error) => tracing::error!(
            error = &error as &dyn std::error::Error,
            "a change is not published yet"
        ),
    }
    if !publications.is_empty() && outbox.send(publications).is_err() {
        tracing::warn!("nobody publishes: the server is going down");
    }
    Ok(())
}
