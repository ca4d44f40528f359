//! The root's `io.github.oathbridge.OathBridge1.Manager`.

use std::collections::HashMap;
use std::sync::Arc;

use zbus::message::Header;
use zbus::{ObjectPath, interface};

use super::entry::Door;
use super::options::Map;
use super::{Bridge, Error, names};
use crate::flows::Query;

pub(super) struct ManagerObject {
    pub(super) bridge: Arc<Bridge>,
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
        self.bridge.summary.borrow().settled
    }

    #[zbus(property)]
    fn problems(&self) -> Vec<String> {
        self.bridge.summary.borrow().problems.clone()
    }

    #[zbus(out_args("found", "locked_tokens"))]
    async fn find_credentials(
        &self,
        attributes: HashMap<String, String>,
        #[zbus(header)] header: Header<'_>,
    ) -> Result<(Vec<ObjectPath<'static>>, Vec<ObjectPath<'static>>), Error> {
        let _entry = self.bridge.enter(&header, Door::LOOK).await?;
        let query = parse(attributes)?;
        let registry = self.bridge.flows.registry();
        let mut answer = query.run(&*registry.settled().await);
        if answer.0.is_empty() && answer.1.is_empty() {
            answer = query.run(&*registry.searched().await);
        }
        self.bridge.mirrored().await;
        let (found, locked) = answer;
        Ok((
            found.iter().map(|found| names::credential(&found.id)).collect(),
            locked.iter().map(|id| names::token(id)).collect(),
        ))
    }

    #[zbus(out_args("info"))]
    async fn get_caller_info(&self, #[zbus(header)] header: Header<'_>) -> Result<Map, Error> {
        let entry = self.bridge.enter(&header, Door::LOOK).await?;
        Ok(self.bridge.caller_info(&entry.caller).await)
    }

    async fn lock_all(&self, #[zbus(header)] header: Header<'_>) -> Result<(), Error> {
        let work = async {
            self.bridge.flows.lock_all().await;
            Ok::<_, Error>(())
        };
        self.bridge.audited("LockAll", "", &header, Door::SECURE, work).await
    }

    async fn reload(&self, #[zbus(header)] header: Header<'_>) -> Result<(), Error> {
        self.bridge.audited("Reload", "", &header, Door::RELOAD, self.bridge.reload()).await
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
    if query.kind.as_deref().is_some_and(|kind| !["totp", "hotp", "steam"].contains(&kind)) {
        return Err(Error::invalid(
            "There are credentials of the types totp, hotp and steam only; pass one of them",
        ));
    }
    if let Some(path) = query.token.as_ref().and_then(|token| token.strip_prefix(names::ROOT)) {
        query.token = Some(path.trim_start_matches("/tokens/").to_owned());
    }
    Ok(query)
}
