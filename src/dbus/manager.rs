//! The root's `io.github.oathbridge.OathBridge1.Manager`.

use std::collections::HashMap;
use std::sync::Arc;

use zbus::{ObjectPath, interface};

use super::{Bridge, Error, names};
use crate::device::Problem;
use crate::flows::Query;

pub(super) struct ManagerObject {
    pub(super) bridge: Arc<Bridge>,
}

impl ManagerObject {
    pub(super) fn problem_words(&self) -> Vec<String> {
        let snapshot = self.bridge.flows.registry().now();
        let mut words: Vec<_> = snapshot.problems.iter().map(|problem| word(*problem)).collect();
        words.extend(self.bridge.problems.borrow().iter().copied());
        words.into_iter().map(str::to_owned).collect()
    }
}

#[interface(name = "io.github.oathbridge.OathBridge1.Manager", introspection_docs = false)]
impl ManagerObject {
    #[zbus(property(emits_changed_signal = "const"))]
    fn version(&self) -> &str {
        env!("CARGO_PKG_VERSION")
    }

    #[zbus(property(emits_changed_signal = "const"))]
    fn api_version(&self) -> u32 {
        names::API_VERSION
    }

    #[zbus(property)]
    fn settled(&self) -> bool {
        self.bridge.flows.registry().now().settled
    }

    #[zbus(property)]
    fn problems(&self) -> Vec<String> {
        self.problem_words()
    }

    #[zbus(out_args("found", "locked_tokens"))]
    async fn find_credentials(
        &self,
        attributes: HashMap<String, String>,
    ) -> Result<(Vec<ObjectPath<'static>>, Vec<ObjectPath<'static>>), Error> {
        let query = parse(attributes)?;
        let snapshot = self.bridge.flows.registry().settled().await;
        self.bridge.mirrored().await;
        let (found, locked) = query.run(&snapshot);
        Ok((
            found.iter().map(|found| names::credential(&found.id)).collect(),
            locked.iter().map(|id| names::token(id)).collect(),
        ))
    }

    async fn reload(&self) -> Result<(), Error> {
        self.bridge.reload().await
    }
}

fn parse(attributes: HashMap<String, String>) -> Result<Query, Error> {
    let mut query = Query::default();
    for (key, value) in attributes {
        let field = match key.as_str() {
            "issuer" => &mut query.issuer,
            "account" => &mut query.account,
            "type" => &mut query.kind,
            "token" => &mut query.token,
            _ => {
                return Err(Error::invalid(
                    "Credentials are found by the attributes issuer, account, type and token only; leave out the others",
                ));
            }
        };
        *field = Some(value);
    }
    if let Some(path) = query.token.as_ref().and_then(|token| token.strip_prefix(names::ROOT)) {
        query.token = Some(path.trim_start_matches("/tokens/").to_owned());
    }
    Ok(query)
}

fn word(problem: Problem) -> &'static str {
    match problem {
        Problem::PcscUnavailable => "pcscd-unavailable",
        Problem::PcscDenied => "pcscd-denied",
    }
}
