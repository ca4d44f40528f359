//! `credentials/<id>`: `io.github.oathbridge.OathBridge1.Credential`.

use std::sync::Arc;
use std::time::Duration;

use zbus::message::Header;
use zbus::{ObjectPath, interface};

use super::options::{Map, Options};
use super::{Bridge, Error, names};
use crate::flows::CodeRequest;
use crate::protocol::ykoath::{Credential, Kind, Touch};

/// A credential on the bus.
pub(super) struct CredentialObject {
    pub(super) id: String,
    pub(super) token: String,
    pub(super) credential: Credential,
    pub(super) bridge: Arc<Bridge>,
}

#[interface(name = "io.github.oathbridge.OathBridge1.Credential", introspection_docs = false)]
impl CredentialObject {
    #[zbus(property(emits_changed_signal = "const"))]
    fn token(&self) -> ObjectPath<'static> {
        names::token(&self.token)
    }

    #[zbus(property(emits_changed_signal = "const"))]
    fn issuer(&self) -> &str {
        &self.credential.issuer
    }

    #[zbus(property(emits_changed_signal = "const"))]
    fn account(&self) -> &str {
        &self.credential.account
    }

    #[zbus(property(emits_changed_signal = "const"), name = "Type")]
    fn kind(&self) -> &str {
        match self.credential.kind {
            Kind::Totp => "totp",
            Kind::Hotp => "hotp",
            Kind::Steam => "steam",
        }
    }

    #[zbus(property(emits_changed_signal = "const"))]
    fn algorithm(&self) -> String {
        self.credential.algorithm.to_string()
    }

    #[zbus(property(emits_changed_signal = "const"))]
    fn digits(&self) -> u32 {
        self.credential.digits.get().into()
    }

    #[zbus(property(emits_changed_signal = "const"))]
    fn period(&self) -> u32 {
        self.credential.period.seconds()
    }

    #[zbus(property(emits_changed_signal = "const"))]
    fn touch_required(&self) -> &str {
        match self.credential.touch {
            Touch::Yes => "yes",
            Touch::No => "no",
            Touch::Unknown => "unknown",
        }
    }

    #[zbus(out_args("code", "valid_from", "valid_until", "extra"))]
    async fn calculate(
        &self,
        options: Map,
        #[zbus(header)] header: Header<'_>,
    ) -> Result<(String, u64, u64, Map), Error> {
        let mut options = Options::new(options);
        let flows = &self.bridge.flows;
        let request = CodeRequest {
            credential: self.id.clone(),
            next: options.flag("next", false)?,
            min_validity: Duration::from_secs(options.number("min-validity")?.unwrap_or(0).into()),
            claim: options.flag("claim", false)?,
            advance_counter: options.flag("advance-counter", false)?,
            interactive: options.flag("interactive", true)?,
            deadline: flows.deadline(options.timeout()?),
        };
        options.finish()?;
        let reply = self.bridge.audited("Calculate", &self.id, &header, flows.code(&request)).await?;
        let (from, until) = reply.valid.unwrap_or_default();
        let mut extra = Map::new();
        if let Some(next) = reply.next {
            extra.insert("next-code".to_owned(), super::variant(next.expose()));
        }
        Ok((reply.code.expose().to_owned(), from.as_secs(), until.as_secs(), extra))
    }
}
