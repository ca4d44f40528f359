//! The root's `io.github.oathbridge.OathBridge1.Manager`.

use std::collections::HashMap;
use std::sync::Arc;

use zbus::message::Header;
use zbus::{ObjectPath, interface};

use crate::access::{Caller, Decision, Permission, Subject, Verdict, decide};
use crate::dbus::args::{Map, put_text, variant};
use crate::dbus::bridge::Bridge;
use crate::dbus::call::Call;
use crate::dbus::client::Client;
use crate::dbus::error::Error;
use crate::dbus::names;
use crate::dbus::session::ScreenLock;
use crate::flows::Query;
use crate::text::shown_up_to;

/// The maximum length of a fact in `GetCallerInfo`, in characters: that of a path (PATH_MAX, limits.h), so that a rule can be
/// written for it.
const MAX_FACT_CHARS: usize = 4096;

/// The name of the transport that asks pcscd, in the words of `Token.Transports`.
const PCSC: &str = "pcsc";

pub(in crate::dbus) struct ManagerObject {
    pub(in crate::dbus) bridge: Arc<Bridge>,
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
        self.bridge.published.summary().settled
    }

    #[zbus(property)]
    fn problems(&self) -> Vec<String> {
        self.bridge.published.summary().problems
    }

    #[zbus(out_args("found", "locked_tokens"))]
    async fn find_credentials(
        &self,
        attributes: HashMap<String, String>,
        #[zbus(header)] header: Header<'_>,
    ) -> Result<(Vec<ObjectPath<'static>>, Vec<ObjectPath<'static>>), Error> {
        let call = Call::authorize(&self.bridge, &header).await?;
        let query = parse(attributes)?;
        let work = async {
            let registry = self.bridge.flows.registry();
            let mut answer = query.run(&*registry.settled().await);
            if !answer.1.is_empty() {
                self.bridge.flows.first_attempts().await;
                answer = query.run(&*registry.settled().await);
            }
            let is_empty = answer.0.is_empty() && answer.1.is_empty();
            Ok::<_, Error>(if is_empty { query.run(&*registry.rescanned().await) } else { answer })
        };
        let (found, locked) = call.perform("", work).await?;
        Ok((
            found.iter().map(|found| names::credential(&found.id)).collect(),
            locked.iter().map(|id| names::token(id)).collect(),
        ))
    }

    #[zbus(out_args("info"))]
    async fn get_caller_info(&self, #[zbus(header)] header: Header<'_>) -> Result<Map, Error> {
        let call = Call::authorize(&self.bridge, &header).await?;
        let client = Arc::clone(call.client());
        let info = async { Ok::<_, Error>(caller_info(&self.bridge, &client).await) };
        call.perform("", info).await
    }

    async fn lock_all(&self, #[zbus(header)] header: Header<'_>) -> Result<(), Error> {
        let work = async {
            self.bridge.flows.lock_all_until_unlock().await;
            Ok::<_, Error>(())
        };
        Call::authorize(&self.bridge, &header).await?.perform("", work).await
    }

    async fn reload(&self, #[zbus(header)] header: Header<'_>) -> Result<(), Error> {
        Call::authorize(&self.bridge, &header).await?.perform("", self.bridge.reload()).await
    }
}

/// The identity and the permissions of a caller, and the lock of the screen, which may block its calls.
async fn caller_info(bridge: &Bridge, client: &Client) -> Map {
    let who = bridge.identify(client).await;
    let identity = who.identity();
    let mut map = Map::from([
        ("unique-name".to_owned(), variant(client.name())),
        ("kind".to_owned(), variant(identity.kind.word())),
        ("name".to_owned(), variant(&identity.name)),
    ]);
    if let Some(facts) = &who.facts {
        for (key, fact) in
            [("flatpak", &facts.flatpak), ("unit", &facts.unit), ("executable", &facts.executable)]
        {
            let fact = fact.as_deref().map(|fact| shown_up_to(fact, MAX_FACT_CHARS));
            put_text(&mut map, key, fact.as_deref());
        }
        map.insert("sandboxed".to_owned(), facts.is_sandboxed.into());
    }
    // A sandboxed program may have no access to logind, and learns no more here.
    if who.facts.as_ref().is_some_and(|facts| !facts.is_sandboxed) {
        put_text(&mut map, "screen", bridge.known_screen().map(ScreenLock::word));
        if let Some(uses_pcsc) = uses_pcsc(bridge) {
            map.insert("pcsc".to_owned(), uses_pcsc.into());
        }
    }
    for permission in Permission::ALL {
        let (verdict, reason) = permitted(bridge, &who, permission);
        put_text(&mut map, &permission.to_string(), Some(verdict.word()));
        put_text(&mut map, &format!("{permission}-reason"), Some(&reason));
    }
    map
}

/// Whether tokens are looked for with pcscd; `None` until the transports are opened. The configuration may have changed
/// since.
fn uses_pcsc(bridge: &Bridge) -> Option<bool> {
    let transports = bridge.flows.registry().transports();
    (!transports.is_empty()).then(|| transports.iter().any(|transport| transport.name() == PCSC))
}

/// Whether a caller has a permission, and the reason in the words of the D-Bus contract. Without a valid configuration the
/// rules are not known, so nothing is promised.
fn permitted(bridge: &Bridge, who: &Caller, permission: Permission) -> (Verdict, String) {
    if bridge.settings.refusal().is_some() {
        return (Verdict::Deny, "config-invalid".to_owned());
    }
    let Decision { verdict, reason } =
        decide(&bridge.settings.now().config.access, who, permission, &Subject::none());
    (verdict, reason.to_string())
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
                    "The only attributes are issuer, account, type and token; leave out the others",
                ));
            }
        };
        *field = Some(value);
    }
    if query.kind.as_deref().is_some_and(|kind| !["totp", "hotp", "steam"].contains(&kind)) {
        return Err(Error::invalid("The type of a credential is totp, hotp or steam; pass one of them"));
    }
    if let Some(path) = query.token.as_ref().and_then(|token| token.strip_prefix(names::ROOT)) {
        query.token = Some(path.trim_start_matches("/tokens/").to_owned());
    }
    Ok(query)
}
