//! Form parameters as Stripe reads them, and errors as Stripe words them.

use std::collections::BTreeMap;

use serde_json::{Value, json};

/// An error answer.
#[derive(Clone, Debug)]
pub(crate) struct Problem {
    pub status: u16,
    pub kind: &'static str,
    pub code: Option<&'static str>,
    pub message: String,
    pub param: Option<String>,
}

impl Problem {
    /// docs.stripe.com/error-codes#resource-missing
    pub(crate) fn missing(what: &str, id: &str) -> Self {
        Self {
            status: 404,
            kind: "invalid_request_error",
            code: Some("resource_missing"),
            message: format!("No such {what}: '{id}'"),
            param: Some("id".to_owned()),
        }
    }

    pub(crate) fn invalid(message: impl Into<String>, param: &str) -> Self {
        Self {
            status: 400,
            kind: "invalid_request_error",
            code: None,
            message: message.into(),
            param: Some(param.to_owned()),
        }
    }

    pub(crate) fn required(param: &str) -> Self {
        Self {
            code: Some("parameter_missing"),
            ..Self::invalid(format!("Missing required param: {param}."), param)
        }
    }

    pub(crate) fn plain(
        status: u16,
        kind: &'static str,
        code: Option<&'static str>,
        message: &str,
    ) -> Self {
        Self {
            status,
            kind,
            code,
            message: message.to_owned(),
            param: None,
        }
    }

    pub(crate) fn body(&self) -> Value {
        let mut error = json!({"type": self.kind, "message": self.message});
        if let Some(code) = self.code {
            error["code"] = json!(code);
            error["doc_url"] = json!(format!(
                "https://stripe.com/docs/error-codes/{}",
                code.replace('_', "-")
            ));
        }
        if let Some(param) = &self.param {
            error["param"] = json!(param);
        }
        json!({"error": error})
    }
}

/// The parameters of one request.
pub(crate) struct Params<'a>(pub &'a [(String, String)]);

impl Params<'_> {
    pub(crate) fn get(&self, key: &str) -> Option<&str> {
        self.0
            .iter()
            .rev()
            .find(|(name, _)| name == key)
            .map(|(_, value)| value.as_str())
    }

    /// A value that is there and not empty.
    pub(crate) fn filled(&self, key: &str) -> Option<&str> {
        self.get(key).filter(|value| !value.is_empty())
    }

    pub(crate) fn need(&self, key: &str) -> Result<&str, Problem> {
        self.filled(key).ok_or_else(|| Problem::required(key))
    }

    pub(crate) fn number(&self, key: &str) -> Result<Option<i64>, Problem> {
        self.filled(key)
            .map(|value| {
                value.parse().map_err(|_| Problem {
                    code: Some("parameter_invalid_integer"),
                    ..Problem::invalid(format!("Invalid integer: {value}"), key)
                })
            })
            .transpose()
    }

    pub(crate) fn flag(&self, key: &str) -> Result<Option<bool>, Problem> {
        match self.filled(key) {
            None => Ok(None),
            Some("true") => Ok(Some(true)),
            Some("false") => Ok(Some(false)),
            Some(other) => Err(Problem::invalid(format!("Invalid boolean: {other}"), key)),
        }
    }

    /// The values of `key[]` or `key[0]`, `key[1]`, …
    pub(crate) fn array(&self, key: &str) -> Vec<&str> {
        self.0
            .iter()
            .filter(|(name, _)| {
                name.strip_prefix(key)
                    .and_then(|rest| rest.strip_prefix('['))
                    .and_then(|rest| rest.strip_suffix(']'))
                    .is_some_and(|index| index.bytes().all(|byte| byte.is_ascii_digit()))
            })
            .map(|(_, value)| value.as_str())
            .collect()
    }

    /// The members of `key[name]`.
    pub(crate) fn hash(&self, key: &str) -> Vec<(&str, &str)> {
        self.0
            .iter()
            .filter_map(|(name, value)| {
                let inner = name
                    .strip_prefix(key)?
                    .strip_prefix('[')?
                    .strip_suffix(']')?;
                Some((inner, value.as_str()))
            })
            .collect()
    }

    /// The parameters under `key[0]`, `key[1]`, …, each as a request of its own.
    pub(crate) fn nested_rows(&self, key: &str) -> Vec<Vec<(String, String)>> {
        let rows = self.rows(key).into_iter();
        rows.map(|row| {
            row.into_iter()
                .map(|(name, value)| (outward(name), value.to_owned()))
                .collect()
        })
        .collect()
    }

    /// The parameters under `key`, as a request of its own.
    pub(crate) fn nested(&self, key: &str) -> Vec<(String, String)> {
        self.hash(key)
            .into_iter()
            .map(|(name, value)| (outward(name), value.to_owned()))
            .collect()
    }

    /// The members of `key[0][name]`, grouped by index.
    pub(crate) fn rows(&self, key: &str) -> Vec<BTreeMap<&str, &str>> {
        let mut rows: BTreeMap<usize, BTreeMap<&str, &str>> = BTreeMap::new();
        for (name, value) in self.0 {
            let Some(rest) = name
                .strip_prefix(key)
                .and_then(|rest| rest.strip_prefix('['))
            else {
                continue;
            };
            let Some((index, inner)) = rest.split_once("][") else {
                continue;
            };
            let (Ok(index), Some(inner)) = (index.parse(), inner.strip_suffix(']')) else {
                continue;
            };
            rows.entry(index).or_default().insert(inner, value);
        }
        rows.into_values().collect()
    }
}

/// `a][b][c`, the inside of `key[a][b][c]`, as `a[b][c]`.
fn outward(inner: &str) -> String {
    match inner.split_once("][") {
        Some((first, rest)) => format!("{first}[{rest}]"),
        None => inner.to_owned(),
    }
}
