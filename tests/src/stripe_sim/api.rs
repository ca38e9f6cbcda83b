//! The REST interface: keys, failures, idempotency, reading, listing, expanding.

use serde_json::Value;

use super::StripeSim;
use super::calendar::DAY;
use super::params::{Params, Problem};
use super::render::{Shape, render};

/// The request headers that matter.
#[derive(Clone, Debug, Default)]
pub struct Headers {
    /// `Idempotency-Key`
    pub idempotency_key: Option<String>,
    /// `Stripe-Version`
    pub stripe_version: Option<String>,
    /// `Authorization`, whole
    pub authorization: Option<String>,
    /// `Stripe-Account`
    pub stripe_account: Option<String>,
}

impl Headers {
    /// Headers with that API key and nothing else.
    pub fn with_key(key: &str) -> Self {
        Self {
            authorization: Some(format!("Bearer {key}")),
            ..Self::default()
        }
    }
}

type Answer = Result<Value, Problem>;

/// What was answered to a request with an idempotency key.
#[derive(Clone, Debug)]
pub(crate) struct Answered {
    at: i64,
    request: String,
    status: u16,
    body: Value,
}

impl StripeSim {
    /// Lets a key in: `sk_…` or `rk_…`, belonging to `account`; if that is another account, it shows that account's data.
    pub fn add_key(&mut self, key: &str, account: &str) {
        self.keys.insert(key.to_owned(), account.to_owned());
    }

    /// Takes a key back.
    pub fn revoke_key(&mut self, key: &str) {
        self.keys.remove(key);
    }

    /// Takes a permission from a restricted key: every path that begins with `prefix`, such as `/v1/account`.
    pub fn forbid(&mut self, key: &str, prefix: &str) {
        self.forbidden.insert((key.to_owned(), prefix.to_owned()));
    }

    /// The data of another account, or of this account's other mode, that one of the keys belongs to.
    pub fn other_account(&mut self, account: &str, livemode: bool) -> &mut StripeSim {
        let now = self.now;
        self.others
            .entry(format!("{account}/{livemode}"))
            .or_insert_with(|| StripeSim::new(account, livemode, now))
    }

    /// Answers the next `times` requests with that status: 429, 500, 503, …
    pub fn fail_next(&mut self, status: u16, times: u32) {
        self.failures.push((status, times));
    }

    /// No request fails any more.
    pub fn fail_no_more(&mut self) {
        self.failures.clear();
    }

    /// While on, every request fails with 503.
    pub fn set_outage(&mut self, on: bool) {
        self.outage = on;
    }

    /// One request to the REST interface; `path` begins with `/v1/` and carries no query.
    pub fn request(
        &mut self,
        method: &str,
        path: &str,
        params: &[(String, String)],
        headers: Headers,
    ) -> (u16, Value) {
        self.requests += 1;
        match self.authenticate(path, &headers) {
            Err(problem) => (problem.status, problem.body()),
            Ok(None) => self.serve(method, path, params, &headers),
            Ok(Some((account, livemode))) => self
                .other_account(&account, livemode)
                .serve(method, path, params, &headers),
        }
    }

    fn authenticate(
        &mut self,
        path: &str,
        headers: &Headers,
    ) -> Result<Option<(String, bool)>, Problem> {
        if self.outage {
            return Err(Problem::plain(503, "api_error", None, "Stripe is down."));
        }
        if let Some((status, times)) = self.failures.first_mut() {
            let status = *status;
            *times = times.saturating_sub(1);
            if *times == 0 {
                self.failures.remove(0);
            }
            return Err(failure(status));
        }
        let unauthorized =
            |message: &str| Problem::plain(401, "invalid_request_error", None, message);
        let key = headers
            .authorization
            .as_deref()
            .and_then(|value| value.strip_prefix("Bearer "))
            .ok_or_else(|| unauthorized("You did not provide an API key."))?;
        let account = self
            .keys
            .get(key)
            .cloned()
            .ok_or_else(|| unauthorized("Invalid API Key provided."))?;
        let denied = self
            .forbidden
            .iter()
            .any(|(who, prefix)| who == key && path.starts_with(prefix.as_str()));
        if denied {
            let text = "The provided key does not have the required permissions for this endpoint.";
            return Err(Problem::plain(
                403,
                "invalid_request_error",
                Some("more_permissions_required"),
                text,
            ));
        }
        let livemode = key.starts_with("sk_live_") || key.starts_with("rk_live_");
        let account = match &headers.stripe_account {
            None => account,
            Some(wanted) if *wanted == account => account,
            Some(wanted) => {
                self.may_act_for(wanted)?;
                wanted.clone()
            }
        };
        let ours = account == self.account && livemode == self.livemode;
        Ok((!ours).then_some((account, livemode)))
    }

    fn serve(
        &mut self,
        method: &str,
        path: &str,
        params: &[(String, String)],
        headers: &Headers,
    ) -> (u16, Value) {
        let shape = match headers.stripe_version.as_deref().map(Shape::of_version) {
            None => self.shape,
            Some(Some(shape)) => shape,
            Some(None) => {
                let problem = Problem::plain(
                    400,
                    "invalid_request_error",
                    None,
                    "Invalid Stripe API version.",
                );
                return (problem.status, problem.body());
            }
        };
        let fingerprint = format!("{method} {path} {params:?}");
        let key = headers.idempotency_key.clone().filter(|_| method == "POST");
        let answered = key.as_ref().and_then(|key| self.answered.get(key));
        // docs.stripe.com/api/idempotent_requests: a key may be forgotten once it is a day old.
        if let Some(answered) = answered.filter(|answered| self.now < answered.at + DAY) {
            if answered.request == fingerprint {
                return (answered.status, answered.body.clone());
            }
            let text = "Keys for idempotent requests can only be used with the same parameters they were first used with.";
            return (
                400,
                Problem::plain(400, "idempotency_error", None, text).body(),
            );
        }
        // Questions take no number: how often somebody asks names nothing else otherwise.
        let request = (method != "GET").then(|| self.next_id("req_"));
        self.current_request = request.map(|id| (id, headers.idempotency_key.clone()));
        let answer = self.route(method, path, &Params(params), shape);
        self.current_request = None;
        let (status, body) = match answer {
            Ok(body) => (200, body),
            Err(problem) => (problem.status, problem.body()),
        };
        if let Some(key) = key {
            let answered = Answered {
                at: self.now,
                request: fingerprint,
                status,
                body: body.clone(),
            };
            self.answered.insert(key, answered);
        }
        (status, body)
    }

    fn route(&mut self, method: &str, path: &str, params: &Params<'_>, shape: Shape) -> Answer {
        let segments: Vec<&str> = path.trim_matches('/').split('/').skip(1).collect();
        let expand: Vec<String> = params
            .array("expand")
            .iter()
            .map(|path| (*path).to_owned())
            .collect();
        for path in &expand {
            // docs.stripe.com/expand#how-it-works
            if path.split('.').count() > 4 {
                let text =
                    format!("You cannot expand more than 4 levels of a property. Property: {path}");
                return Err(Problem {
                    code: Some("property_expansion_max_depth"),
                    ..Problem::invalid(text, "expand")
                });
            }
        }
        let full = if method == "GET" {
            self.read(&segments, params)?
        } else {
            self.write(method, &segments, params)?
        };
        let mut shown = if full["object"] == "event" || full["url"] == "/v1/events" {
            full
        } else {
            render(&full, shape)
        };
        for path in &expand {
            let steps: Vec<&str> = path.split('.').collect();
            self.expand(&mut shown, &steps, path, shape)?;
        }
        Ok(shown)
    }

    fn expand(
        &self,
        value: &mut Value,
        steps: &[&str],
        whole: &str,
        shape: Shape,
    ) -> Result<(), Problem> {
        if let Value::Array(items) = value {
            return items
                .iter_mut()
                .try_for_each(|item| self.expand(item, steps, whole, shape));
        }
        if let Value::String(id) = value {
            match self.object(id) {
                Some(object) => *value = render(&object, shape),
                None => {
                    return Err(Problem::invalid(
                        format!("This property cannot be expanded ({whole})."),
                        "expand",
                    ));
                }
            }
        }
        let Some((step, rest)) = steps.split_first() else {
            return Ok(());
        };
        if value.is_null() {
            return Ok(());
        }
        if *step == "payments" && value["object"] == "invoice" {
            value["payments"] = self.invoice_payments(value["id"].as_str().unwrap_or_default());
        }
        if *step == "line_items" && value["object"] == "checkout.session" {
            let row = value["id"].as_str().and_then(|id| self.sessions.get(id));
            value["line_items"] = row.map_or(Value::Null, |row| self.session_lines(row));
        }
        match value.get_mut(*step) {
            Some(inner) => self.expand(inner, rest, whole, shape),
            None => Err(Problem::invalid(
                format!("This property cannot be expanded ({whole})."),
                "expand",
            )),
        }
    }
}

fn failure(status: u16) -> Problem {
    match status {
        429 => Problem::plain(
            429,
            "invalid_request_error",
            Some("rate_limit"),
            "Request rate limit exceeded.",
        ),
        401 => Problem::plain(
            401,
            "invalid_request_error",
            None,
            "Invalid API Key provided.",
        ),
        _ => Problem::plain(status, "api_error", None, "An unknown error occurred."),
    }
}

pub(crate) fn unrecognized(segments: &[&str]) -> Problem {
    let text = format!("Unrecognized request URL (/v1/{}).", segments.join("/"));
    Problem::plain(404, "invalid_request_error", None, &text)
}
